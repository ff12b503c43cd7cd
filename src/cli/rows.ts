import { queueNames, refuseUnknownQueue, type Target } from "./connect.ts";
import { listText, type Row } from "./output/cells.ts";
import { count, counted, printable } from "./output/text.ts";
import type { Plan } from "./plan.ts";
import { UsageError } from "./program.ts";
import { type Call, MOST_COUNTED, PAGE, SHOWN_OF_EACH } from "./request.ts";
import type { Session } from "./session.ts";

/** How far a search goes on by itself. */
const MOST_EXAMINED = 10_000;

/** Prints a page, or every page, of a list; of all queues, with a column for them, unless --queue names one. */
export async function showRows(plan: Plan, to: Target, call: Call, session: Session): Promise<void> {
  const { shows, none = "", isMerged } = plan;
  const { fields, options } = call;
  // A token that may not list queues still gets the list of the first.
  const names = isMerged && session.globals.queue === undefined ? await queueNames(to).catch(() => []) : [];
  const isOfSeveral = names.length > 1;
  if (isOfSeveral && fields["cursor"] !== undefined)
    throw new UsageError("A cursor belongs to one queue.", `Name it with --queue: ${names.map(printable).join(", ")}.`);
  const { rows: found, field, last, more } = await readRows(to, call, isOfSeveral ? names : [undefined], session);
  const cursor = (!isOfSeveral && more) || null;
  const part = last["examined"] ? counted(Number(last["examined"]), "job") : "1,000 jobs of each state";
  const order =
    fields["state"] === "running" ? longestFirst : (isOfSeveral && plan.merges?.(session.now)) || plan.order;
  const sorted = order ? found.sort(order as (one: Row, other: Row) => number) : found;
  const isShort = fields["each"] !== options["each"];
  const states = [...new Set(sorted.map(({ state }) => state))];
  const byState = states.map((each) => sorted.filter(({ state }) => state === each));
  const nearest = new Set(byState.flatMap((each) => each.slice(0, SHOWN_OF_EACH)));
  const near = isShort ? sorted.filter((row) => nearest.has(row)) : sorted;
  const isSearch = fields["search"] !== undefined;
  const most = isSearch && !session.isJson ? PAGE : isOfSeveral ? (fields["limit"] as number | undefined) : undefined;
  const rows = near.slice(0, options["all"] ? undefined : most);
  if (rows.length === 0) await refuseUnknownQueue(to, session);
  const countText = (of: number) => (isSearch || of < MOST_COUNTED ? count(of) : `${of} or more`);
  const sums = byState.map(({ length }, index) => `${countText(length)} ${states[index]}`).join(", ");
  const isSummed = isSearch || (isShort && fields["since"] !== undefined);
  const incomplete = isSearch && more !== null ? ` among these ${part}, and more follow` : "";
  const view = { now: session.now, colors: session.colors, width: options["wide"] ? undefined : session.width };
  session.print({ ...last, [field]: rows, ...("cursor" in last && { cursor }) }, () => {
    if (rows.length === 0) return more === null ? none : `None among the first ${part}. Add --all.`;
    return `${listText(rows, shows, view, isOfSeveral)}${isSummed ? `\nFound: ${sums}${incomplete}.` : ""}`;
  });
  call.add({ ...rows[0], ...last, listed: rows.length });
  if (isSearch && rows.length < near.length) session.note(`Only the first ${rows.length} are shown. Add --all.`);
  else if (more === "" || near.length < sorted.length)
    session.note("More follow. Add --state STATE, --each COUNT, or --all.");
  else if (isOfSeveral && (more !== null || rows.length < sorted.length))
    session.note("More follow. Add --all, or name a queue with --queue.");
  else if (cursor !== null) session.note(`More follow. Add --cursor '${cursor}', or --all.`);
}

const longestFirst = (one: Row, other: Row) => Number(one["startedAt"]) - Number(other["startedAt"]);

/** Reads pages, and shows the progress. @param names the queues; undefined for that of the command */
async function readRows(
  to: Target,
  { send, fields, options: { all } }: Call,
  names: readonly (string | undefined)[],
  session: Session,
) {
  const line = session.liveLine();
  /** A job that moves to another state meanwhile comes again. */
  const rows = new Map<unknown, Row>();
  const sums: Record<string, number> = {};
  let last: Row = {};
  let field = "";
  /** A cursor; empty if more follow without one. */
  let more: string | null = null;
  const isSearch = fields["search"] !== undefined;
  try {
    for (const name of names) {
      const before = rows.size;
      for (let cursor: object = {}; ; cursor = { cursor: last["cursor"] }) {
        last = await send({ ...fields, ...cursor }, name === undefined ? to.send : to.sendTo(name));
        field = Object.keys(last).find((each) => Array.isArray(last[each])) ?? "";
        for (const row of last[field] as readonly Row[])
          rows.set(row["id"] ? `${row["id"]} ${name}` : row, name === undefined ? row : { ...row, queue: name });
        for (const [each, value] of Object.entries(last))
          if (typeof value === "number") sums[each] = (sums[each] ?? 0) + value;
        const { examined = 0 } = sums;
        // A page can be empty although more follow, if it is of a rare name.
        const isEnough = isSearch ? rows.size >= PAGE || examined >= MOST_EXAMINED : rows.size > before;
        if (last["cursor"] == null || (!all && isEnough)) break;
        line.show(
          `${counted(rows.size, field.slice(0, -1))} ${isSearch ? `found, ${count(examined)} examined` : "read"}`,
        );
      }
      more = (last["cursor"] as string | undefined) ?? (last["isCut"] ? "" : more);
    }
  } finally {
    line.clear();
  }
  return { rows: [...rows.values()], field, last: { ...last, ...sums } as Row, more };
}
