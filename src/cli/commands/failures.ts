import type { FailureGroup } from "../../core/manage/failures.ts";
import { latestFirst } from "../../http/dashboard/all-queues.ts";
import { failureAge } from "../../http/dashboard/shown-texts.ts";
import { addAllQueues, noteMore, readLists } from "../all-queues.ts";
import { type Column, queueColumnOf } from "../output/table.ts";
import { type Colors, count, counted } from "../output/text.ts";
import { shortAgo } from "../output/time.ts";
import { addPageOptions, readPages } from "../paging.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { addSince, sinceMs } from "../since.ts";
import { openTarget, refuseUnknownQueue, type Target } from "../target.ts";

/** A page of groups is not sorted by time. To find the latest ones, up to a thousand are read. */
const READ_AT_ONCE = 1_000;

const DESCRIPTION = `Groups dead jobs by name and error. What broke last comes first. Ignores numbers, ids and quoted parts of a message.
AGE says which groups are new, because they began in the last 24 hours, and which are over, because nothing has died in
them for 12 hours.

--since keeps the groups in which a job has died since. The column JOBS is then named ALL JOBS: it counts their older
jobs too.`;

export function addFailures(session: Session): void {
  const command = addCommand(
    session.program,
    "queue:failures",
    "show what broke: dead jobs by name and error",
    DESCRIPTION,
    ["tidegate queue:failures", "what broke, how often, and since when"],
    ["tidegate queue:failures --since 1h --all-queues", "what broke in the last hour, in every queue"],
    ["tidegate queue:dlq --group 3f1c9a04b7de", "the jobs of one group"],
    ["tidegate queue:dlq retry --group 3f1c9a04b7de", "retry them"],
  );
  addSince(addAllQueues(addPageOptions(command))).action(async ({ since, ...options }) => {
    const { all, limit, cursor: from } = options;
    const ms = sinceMs(since, session);
    // Groups are in the order of their names.
    const range = ms === undefined ? undefined : { ms, timeOf: lastAtOf, isNewestFirst: false };
    const target = await openTarget(session);
    let ungrouped = 0;
    const readOf = async ({ queue }: Target, name: string | undefined) => {
      let inNone = 0;
      const read = async (cursor: string | undefined) => {
        const page = await queue.getFailures({ limit: READ_AT_ONCE, cursor });
        inNone = page.ungrouped;
        return page;
      };
      const { failures, cursor } = await readPages("failures", read, { from, all, since: range }, session);
      ungrouped += inNone;
      return { items: failures.map((group) => ({ ...(name !== undefined && { queue: name }), ...group })), cursor };
    };
    // The latest are shown, not the first: a list of all is cut below.
    const found = await readLists(target, { ...options, all: true }, session, readOf, (items) => items);
    const sorted = [...found.items].sort(latestFirst);
    const failures = all ? sorted : sorted.slice(0, limit);
    if (failures.length === 0 && ungrouped === 0) await refuseUnknownQueue(target, session);
    const columns = failureColumns(session.now, session.colors, ms !== undefined);
    const aged = failures.map((group) => ({ ...group, age: ageOf(group, session.now) ?? null }));
    session.print({ failures: aged, cursor: found.cursor, ungrouped }, () =>
      failures.length > 0
        ? session.table<Group>([...queueColumnOf(failures), ...columns], failures)
        : nothing(ungrouped, ms !== undefined),
    );
    if (ungrouped > 0)
      session.note(`${counted(ungrouped, "dead job")} in no group. See: ${target.command("queue:dlq")}`);
    const older = sorted.length - failures.length;
    if (older > 0) session.note(`${counted(older, "older group")} not shown. Add --all, or a larger --limit.`);
    await noteMore(found, target, session);
  });
}

type Group = FailureGroup & { readonly queue?: string };

const lastAtOf = ({ lastAt }: FailureGroup) => lastAt.getTime();

function nothing(ungrouped: number, isSince: boolean): string {
  if (isSince) return "No group has a dead job since then.";
  return ungrouped > 0 ? "No dead job is in a group." : "There are no dead jobs.";
}

/** @param isSince whether groups that are too old are left out: the others still count all of their jobs. */
function failureColumns(now: number, colors: Colors, isSince = false): readonly Column<FailureGroup>[] {
  return [
    { title: "GROUP", cell: ({ group }) => group },
    { title: isSince ? "ALL JOBS" : "JOBS", cell: (group) => count(group.count), align: "right" },
    { title: "FIRST", cell: ({ firstAt }) => shortAgo(firstAt, now), align: "right" },
    { title: "LAST", cell: ({ lastAt }) => shortAgo(lastAt, now), align: "right" },
    {
      title: "AGE",
      cell: (group) => ageOf(group, now) ?? "",
      paint: (text, group) => (ageOf(group, now) === "new" ? colors.red(text) : colors.dim(text)),
    },
    { title: "NAME", cell: ({ name }) => name, givesWay: true },
    {
      title: "ERROR",
      cell: ({ error }) => `${error.name}: ${error.message}`,
      tightCell: ({ error }) => error.message || error.name,
      paint: (text) => colors.red(text),
    },
  ];
}

/** Whether a group is new or over. */
function ageOf({ firstAt, lastAt }: FailureGroup, now: number): "new" | "over" | undefined {
  return failureAge(firstAt.getTime(), lastAt.getTime(), now);
}
