import type { OperationName } from "../contract/operations.ts";
import { busiestFirst } from "../core/flow/flow-key.ts";
import { latestFirst } from "../core/manage/failures.ts";
import { byNearness } from "../core/manage/list.ts";
import { latestChangeFirst } from "../core/observe/changes.ts";
import { bySoonest } from "../core/queue/upcoming.ts";
import { jobStates } from "../core/store/store.ts";
import { queueNames, refuseUnknownQueue, type Target } from "./connect.ts";
import { listText, type Row } from "./output/cells.ts";
import { LiveLine } from "./output/live-line.ts";
import { count, counted } from "./output/text.ts";
import type { Plan } from "./plan.ts";
import { type Call, MOST_COUNTED, type Outcome, SHOWN_OF_EACH } from "./request.ts";
import type { Session } from "./session.ts";

/** How rows are sorted. Others stay as they come; jobs of several queues are sorted by nearness. */
const orders: { readonly [Name in OperationName]?: (one: never, other: never) => number } = {
  getFailures: latestFirst,
  listSchedules: (one: { failing?: boolean }, other: { failing?: boolean }) =>
    Number(other.failing ?? false) - Number(one.failing ?? false),
  getUpcoming: bySoonest,
  listFlowControlKeys: busiestFirst,
  listChanges: latestChangeFirst,
};

/** How far a search goes on by itself in each queue. */
const MOST_EXAMINED = 10_000;

/** Prints a page, or every page, of a list; of all queues, with a column for them, unless --queue names one. */
export async function showRows(plan: Plan, call: Call, to: Target, session: Session): Promise<Outcome> {
  const { fields, options } = call;
  // A token that may not list queues still gets the list of the first.
  const names = plan.isMerged && session.globals.queue === undefined ? await queueNames(to).catch(() => []) : [];
  const isOfSeveral = names.length > 1;
  const read = await readRows(to, call, isOfSeveral ? names : [undefined], session);
  const { field, last, more } = read;
  const isSearch = fields["search"] !== undefined && !session.isJson;
  // Without --each, the command itself asks for a few of each state.
  const isShort = isSearch ? !options["all"] : fields["each"] !== options["each"];
  const limit = isOfSeveral && !options["all"] ? (fields["limit"] as number | undefined) : undefined;
  const found = arranged(plan, call, read, isOfSeveral, session);
  const rows = (isShort || isSearch ? firstOf(found, isShort, isSearch) : found).slice(0, limit);
  if (rows.length === 0) await refuseUnknownQueue(to, session);
  const isOnly = rows.length === 1 && more === null && !last["older"];
  if (plan.opens && options[plan.opens] && isOnly && !session.isJson) return { only: rows[0] as Row };
  const cursor = (!isOfSeveral && more) || null;
  session.print({ ...last, [field]: rows, ...("cursor" in last && { cursor }) }, () => {
    const among = isSearch ? counted(Number(last["examined"]), "job") : "1,000 jobs of each state";
    if (!rows[0]) return more === null ? (plan.none ?? "") : `None among the first ${among}. Add --all.`;
    const isCounted = isSearch || (isShort && fields["since"] !== undefined);
    const part = isSearch && more !== null ? ` among the first ${among}` : "";
    const view = { now: session.now, colors: session.colors, width: options["wide"] ? undefined : session.width };
    const text = listText(rows, plan.shows, view, isOfSeveral);
    return isCounted ? `Found: ${countsOf(found, isSearch)}${part}.\n${text}` : text;
  });
  call.add({ ...rows[0], ...last, listed: rows.length });
  if (more !== null || rows.length < found.length) {
    const rest = isSearch && more === null ? `Listed: ${rows.length} of ${count(found.length)}.` : "More follow.";
    const others = isShort ? "--each COUNT, or " : cursor ? `--cursor '${cursor}', or ` : "--queue NAME, or ";
    session.note(`${rest} Add ${isSearch ? "" : others}--all.`);
  }
  return {};
}

/** The rows of a job type, in their order, and those of the same as one. */
function arranged(
  plan: Plan,
  { fields, options }: Call,
  { rows, field }: Rows,
  isOfSeveral: boolean,
  session: Session,
) {
  const ofType = rows.filter(({ name }) => (options["name"] ?? name) === name);
  const nearestFirst = isOfSeveral && field === "jobs" ? byNearness(session.now) : orders[plan.operation];
  const order = fields["state"] === "running" ? longestFirst : nearestFirst;
  const sorted = order ? ofType.sort(order as typeof longestFirst) : ofType;
  return plan.folds && !session.isJson ? fold(sorted, plan.folds) : sorted;
}

/** The rows of each state, dead ones first. */
const byState = (rows: readonly Row[]) =>
  jobStates.map((state) => rows.filter((row) => row["state"] === state)).reverse();

/** The first of each state. @param isByState whether they are sorted by it */
function firstOf(rows: readonly Row[], isShort: boolean, isByState: boolean): readonly Row[] {
  const first = byState(rows).flatMap((each) => (isShort ? each.slice(0, SHOWN_OF_EACH) : each));
  return isByState ? first : rows.filter((row) => first.includes(row));
}

/** "3 dead, 100 or more completed" */
function countsOf(rows: readonly Row[], isExact: boolean): string {
  const counts = byState(rows).flatMap(({ length, 0: one }) =>
    one ? `${isExact || length < MOST_COUNTED ? count(length) : `${length} or more`} ${one["state"]}` : [],
  );
  return counts.join(", ");
}

/** Rows of the same in a queue as one: the first, with the sum of their counts. */
function fold(rows: readonly Row[], same: (row: never) => string): readonly Row[] {
  const keys = rows.map((row) => `${same(row as never)} ${row["queue"]}`);
  return rows.flatMap((row, index): readonly Row[] => {
    if (keys.indexOf(keys[index] ?? "") < index) return [];
    const alike = rows.filter((_, other) => keys[other] === keys[index]);
    const sum = alike.reduce((total, { count }) => total + Number(count), 0);
    return [alike[1] ? { ...row, of: "", count: sum } : row];
  });
}

const longestFirst = (one: Row, other: Row) => Number(one["startedAt"]) - Number(other["startedAt"]);

type Rows = Awaited<ReturnType<typeof readRows>>;

/** Reads pages, and shows the progress. @param names the queues; undefined for that of the command */
async function readRows(
  to: Target,
  { send, fields, options: { all } }: Call,
  names: readonly (string | undefined)[],
  session: Session,
) {
  const line = new LiveLine(session);
  /** A job that moves to another state meanwhile comes again. */
  const rows = new Map<unknown, Row>();
  const sums: Record<string, number> = {};
  let last: Row = {};
  let field = "";
  /** A cursor; empty if more follow without one. */
  let more: string | null = null;
  const isSearch = fields["search"] !== undefined && !session.isJson;
  try {
    for (const name of names) {
      const before = rows.size;
      let examined = 0;
      for (let cursor: object = {}; ; cursor = { cursor: last["cursor"] }) {
        last = await send({ ...fields, ...cursor }, name === undefined ? to.send : to.sendTo(name));
        field = Object.keys(last).find((each) => Array.isArray(last[each])) ?? "";
        for (const row of last[field] as readonly Row[])
          rows.set(row["id"] ? `${row["id"]} ${name}` : row, name === undefined ? row : { ...row, queue: name });
        for (const [each, value] of Object.entries(last))
          if (typeof value === "number") sums[each] = (sums[each] ?? 0) + value;
        examined += Number(last["examined"]);
        // A page can be empty although more follow, if it is of a rare name.
        const isEnough = examined >= MOST_EXAMINED || (!isSearch && rows.size > before);
        if (last["cursor"] == null || (!all && isEnough)) break;
        line.show(
          `${counted(rows.size, field.slice(0, -1))} ${isSearch ? `found, ${count(sums["examined"] ?? 0)} examined` : "read"}`,
        );
      }
      more = (last["cursor"] as string | undefined) ?? (last["isCut"] ? "" : more);
    }
  } finally {
    line.clear();
  }
  return { rows: [...rows.values()], field, last: { ...last, ...sums } as Row, more };
}
