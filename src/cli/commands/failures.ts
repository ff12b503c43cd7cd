import { failureColumns } from "../output/failures.ts";
import { counted } from "../output/text.ts";
import { addPageOptions, noteNextPage, readPages } from "../paging.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget, refuseUnknownQueue } from "../target.ts";

/** A page of groups is not sorted by size. To find the largest ones, up to a thousand are read. */
const READ_AT_ONCE = 1_000;

export function addFailures(session: Session): void {
  const command = addCommand(
    session.program,
    "queue:failures",
    "show what broke: dead jobs by name and error",
    "Groups dead jobs by name and error, the largest group first. Ignores numbers, ids and quoted parts of a message.",
    ["tidegate queue:failures", "what broke, how often, and since when"],
    ["tidegate queue:dlq --group 3f1c9a04b7de", "the jobs of one group"],
    ["tidegate queue:dlq retry --group 3f1c9a04b7de", "retry them"],
  );
  addPageOptions(command).action(async ({ all, limit, cursor }) => {
    const target = await openTarget(session);
    let ungrouped = 0;
    const read = async (from: string | undefined) => {
      const page = await target.queue.getFailures({ limit: READ_AT_ONCE, cursor: from });
      ungrouped = page.ungrouped;
      return page;
    };
    const page = await readPages("failures", read, cursor, all, session);
    const sorted = [...page.failures].sort((a, b) => b.count - a.count);
    const failures = all ? sorted : sorted.slice(0, limit);
    if (failures.length === 0 && ungrouped === 0) await refuseUnknownQueue(target, session);
    session.print({ failures, cursor: page.cursor, ungrouped }, () =>
      failures.length > 0 ? session.table(failureColumns(session.now, session.colors), failures) : nothing(ungrouped),
    );
    if (ungrouped > 0)
      session.note(`${counted(ungrouped, "dead job")} in no group. See: ${target.command("queue:dlq")}`);
    const smaller = sorted.length - failures.length;
    if (smaller > 0) session.note(`${counted(smaller, "smaller group")} not shown. Add --all, or a larger --limit.`);
    noteNextPage(page.cursor, session);
  });
}

function nothing(ungrouped: number): string {
  return ungrouped > 0 ? "No dead job is in a group." : "There are no dead jobs.";
}
