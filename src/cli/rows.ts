import { queueNames, refuseUnknownQueue, type Target } from "./connect.ts";
import { listText, type Row } from "./output/cells.ts";
import { count, counted, printable } from "./output/text.ts";
import type { Plan } from "./plan.ts";
import { UsageError } from "./program.ts";
import { MOST_COUNTED, PAGE, SHOWN_OF_EACH, type Typed } from "./request.ts";
import type { Session } from "./session.ts";

/** How far a search goes on by itself. */
const MOST_EXAMINED = 10_000;

interface Call {
  readonly to: Target;
  send(fields: object, from?: Target["send"]): Promise<Row>;
  add(answer: Row): void;
}

/** Prints a page, or every page, of a list; of all queues, with a column for them, unless --queue names one. */
export async function showRows(plan: Plan, typed: Typed, call: Call, session: Session): Promise<void> {
  const { shows, none = "", isMerged } = plan;
  const { all, wide } = typed.options;
  // A token that may not list queues still gets the list of the first.
  const names = isMerged && session.globals.queue === undefined ? await queueNames(call.to).catch(() => []) : [];
  const isOfSeveral = names.length > 1;
  if (isOfSeveral && typed.fields["cursor"] !== undefined)
    throw new UsageError("A cursor belongs to one queue.", `Name it with --queue: ${names.map(printable).join(", ")}.`);
  const found = await readRows(call, typed, isOfSeveral ? names : [undefined], session);
  const { field, last, more } = found;
  const cursor = (!isOfSeveral && more) || null;
  const part = last["examined"] ? counted(Number(last["examined"]), "job") : "1,000 jobs of each state";
  const order = (isOfSeveral && plan.merges?.(session.now)) || plan.order;
  const sorted = order ? [...found.rows].sort(order as (one: Row, other: Row) => number) : found.rows;
  const counts: Record<string, number> = {};
  const isShort = typed.fields["each"] !== typed.options["each"];
  const near = sorted.filter(({ state }) => {
    const nth = (counts[String(state)] ?? 0) + 1;
    counts[String(state)] = nth;
    return !isShort || nth <= SHOWN_OF_EACH;
  });
  const rows = near.slice(0, isOfSeveral && !all ? Number(typed.fields["limit"] ?? near.length) : undefined);
  if (rows.length === 0) await refuseUnknownQueue(call.to, session);
  const isSearch = typed.fields["search"] !== undefined;
  const countText = (of: number) => (isSearch || of < MOST_COUNTED ? count(of) : `${of} or more`);
  const sums = Object.entries(counts).map(([state, of]) => `${countText(of)} ${state}`);
  const isSummed = isSearch || (isShort && typed.fields["since"] !== undefined);
  const isPartial = isSearch && more !== null;
  const above = `${isPartial ? `Incomplete: more follow than these ${part}.\n` : ""}${isSummed ? `${sums.join(", ")}:\n` : ""}`;
  const view = { now: session.now, colors: session.colors, width: wide ? undefined : session.width };
  session.print({ ...last, [field]: rows, ...("cursor" in last && { cursor }) }, () => {
    if (rows.length === 0) return more === null ? none : `None among the first ${part}. Add --all.`;
    return `${above}${listText(rows, shows, view, isOfSeveral)}`;
  });
  call.add({ ...rows[0], ...last, listed: rows.length });
  if (more === "" || near.length < sorted.length)
    session.note("More follow. Add --state STATE, --each COUNT, or --all.");
  else if (isOfSeveral && (more !== null || rows.length < sorted.length))
    session.note("More follow. Add --all, or name a queue with --queue.");
  if (cursor !== null) session.note(`More follow. Add --cursor '${cursor}', or --all.`);
}

/** Reads pages, and shows the progress. @param names the queues; undefined for that of the command */
async function readRows(
  { to, send }: Call,
  { fields, options: { all } }: Typed,
  names: readonly (string | undefined)[],
  session: Session,
) {
  const line = session.liveLine();
  const rows: Row[] = [];
  const sums: Record<string, number> = {};
  let last: Row = {};
  let field = "";
  /** A cursor; empty if more follow without one. */
  let more: string | null = null;
  const isSearch = fields["search"] !== undefined;
  try {
    for (const name of names) {
      const before = rows.length;
      for (let cursor: object = {}; ; cursor = { cursor: last["cursor"] }) {
        last = await send({ ...fields, ...cursor }, name === undefined ? to.send : to.sendTo(name));
        field = Object.keys(last).find((each) => Array.isArray(last[each])) ?? "";
        const page = last[field] as readonly Row[];
        rows.push(...page.map((row) => (name === undefined ? row : { ...row, queue: name })));
        for (const [each, value] of Object.entries(last))
          if (typeof value === "number") sums[each] = (sums[each] ?? 0) + value;
        const { examined = 0 } = sums;
        // A page can be empty although more follow, if it is of a rare name.
        const isEnough = isSearch ? rows.length >= PAGE || examined >= MOST_EXAMINED : rows.length > before;
        if (last["cursor"] == null || (!all && isEnough)) break;
        line.show(
          `${counted(rows.length, field.slice(0, -1))} ${isSearch ? `found, ${count(examined)} examined` : "read"}`,
        );
      }
      more = (last["cursor"] as string | undefined) ?? (last["isCut"] ? "" : more);
    }
  } finally {
    line.clear();
  }
  return { rows, field, last: { ...last, ...sums } as Row, more };
}
