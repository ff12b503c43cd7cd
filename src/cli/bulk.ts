import { type Duration, durationMs, type PointInTime } from "../core/shared/duration.ts";
import { conflict, notFound } from "../core/shared/errors.ts";
import { jobColumns } from "./commands.ts";
import { refuseUnknownQueue, type Target } from "./connect.ts";
import { listText, type Row } from "./output/cells.ts";
import { bar, LiveLine } from "./output/live-line.ts";
import { count, counted, printable, quoted } from "./output/text.ts";
import { moment } from "./output/time.ts";
import type { Plan } from "./plan.ts";
import { type Call, onlyId } from "./request.ts";
import { PartlyDone, type Session } from "./session.ts";

/** How many dead jobs a request changes. The progress moves after each. */
const PIECE = 250;

const participles: Readonly<Record<string, string>> = {
  cleared: "removed",
  cancelled: "removed",
  rescheduled: "moved",
  rekeyed: "encrypted",
};

/**
 * Changes jobs. Returns whether there were none, and in which time it has retried some, as a search takes it.
 *
 * @throws {PartlyDone} after the first; `not_found` for ids.
 */
export async function changeMany(plan: Plan, change: Call, to: Target, session: Session) {
  const { verb, noun = "", asks, answer, none } = plan;
  const { fields, options } = change;
  const { ids } = fields as { readonly ids?: readonly string[] };
  const isNamed = ids !== undefined && options["parent"] === undefined;
  const kind = typeof fields["state"] === "string" ? `${fields["state"]} ${noun.replace(/.* /, "")}` : noun;
  const past = participles[answer] ?? answer;
  if (fields["dryRun"]) {
    const found = await goThrough(plan, past, change, session);
    const size = Number(found[answer]);
    const jobs = found["jobs"] as readonly Row[];
    const text = `${counted(size, kind)} would be ${past}${jobs.length < size ? `, ${jobs.length} of them` : ""}`;
    session.print({ [answer]: size, dryRun: true, jobs }, () =>
      jobs[0] ? `${text}:\n${listText(jobs, jobColumns, session)}` : `${text}.`,
    );
    return { isNothing: size === 0 };
  }
  let size: number | undefined;
  /** Until when the count holds: what is counted is what is changed. */
  let until: Row = {};
  const isAsked = asks && !options["yes"] && (asks === "always" || (!isNamed && session.canAsk));
  if (isAsked ? session.canAsk : asks && !isNamed && new LiveLine(session).isVisible) {
    const dry = { ...change, fields: { ...fields, dryRun: true } };
    const { [answer]: found, before } = await goThrough(plan, past, dry, session);
    size = Number(found);
    if (before !== undefined) until = { before };
  }
  if (isAsked && size !== 0) {
    const how = asks === "always" ? " for good" : whenText(fields, session.now);
    const others = ids || until["before"] === undefined ? "" : ", and none that die later";
    await session.confirm(`${change.label}: ${verb} ${described(size ?? 0, kind, change)}${how}${others}?`);
  }
  const begunAt = new Date((until["before"] ?? session.now) as PointInTime);
  const same = { ...change, fields: { ...fields, ...until } };
  const done = size === 0 ? { [answer]: 0 } : await goThrough(plan, past, same, session, size);
  const { [answer]: changed, locked, runAt } = done as Readonly<Record<string, number>>;
  if (!changed) await refuseUnknownQueue(to, session);
  if (locked)
    throw conflict(
      `${counted(changed ?? 0, kind)} ${past}. ${counted(locked, kind)} cannot be read: the keys are missing, or are not those that encrypted them. Keep the old keys, give them to the queue, and run this again.`,
    );
  const isNothing = Object.values(done).every((each) => typeof each !== "number" || each === 0);
  const id = onlyId(fields);
  const due = runAt ? `: ${changed === 1 ? "it is" : "they are"} due {runAt}` : whenText(fields, session.now);
  const what = id === undefined ? counted(changed ?? 0, kind) : `${kind} ${id}`;
  const text = `${past.charAt(0).toUpperCase()}${past.slice(1)} {what}{in}${due}.`;
  // What has no such job is an error, or another queue has it.
  if (!isNothing || id === undefined || session.isJson)
    session.print(done, () => (isNothing ? (none ?? `No matching ${kind}s.`) : change.fill(text, { runAt, what })));
  change.add(done);
  // The clock of the handler may be some seconds ahead.
  const retriedIn =
    verb === "retry" && changed && `${begunAt.toISOString()}/${new Date(session.now + 5_000).toISOString()}`;
  const listing = id === undefined ? `queue:jobs --search ${retriedIn} --in retried` : `queue:jobs ${quoted(id)}`;
  if (retriedIn) session.note(`See what became of ${id === undefined ? "them" : "it"}: ${to.command(listing)}`);
  const missing = (ids?.length ?? 0) - (changed ?? 0);
  const byType = id !== undefined && !changed ? ` For a job type, add --name ${quoted(printable(id))}` : "";
  if (ids && missing > 0) {
    const which = ids[1] ? `${missing} of ${count(ids.length)} ids ${missing === 1 ? "is" : "are"}` : "This id is";
    throw notFound(
      `${which} of no ${noun}. See: ${to.command(noun === "dead job" ? "queue:dlq" : "queue:jobs")}.${byType}`,
    );
  }
  return { isNothing: isNothing && asks !== undefined, retriedIn };
}

/** When jobs run that are moved, or spread: a time, since a duration begins only after a question. */
function whenText({ over, delay, runAt }: Row, now: number): string {
  const after = over ?? (delay || undefined);
  const at = after === undefined ? runAt : new Date(now + durationMs(after as Duration, "It"));
  return at === undefined ? "" : `${over === undefined ? " to" : ", the last one by"} ${moment(new Date(at as Date))}`;
}

/** "all 5,000 dead jobs", "3 dead jobs named send_email", "the dead job refund-8812" */
function described(size: number, kind: string, { fields, options: { parent } }: Call): string {
  const id = onlyId(fields);
  const { name, group, all, limit, since } = fields;
  if (parent !== undefined) return `the ${count(size)} dead children of ${printable(String(parent))}`;
  if (id !== undefined) return `the ${kind} ${printable(id)}`;
  const which = name ? ` named ${printable(String(name))}` : group ? ` of the group ${group}` : "";
  return `${all && limit === undefined && since === undefined ? "all " : ""}${counted(size, kind)}${which}`;
}

/** Sends a request, and further ones while there is a cursor. Adds up what they count. */
async function goThrough(
  { verb, answer, noun = "", hasPieces }: Plan,
  past: string,
  { fields, send }: Call,
  session: Session,
  total?: number,
): Promise<Row> {
  const line = new LiveLine(session);
  const done: Record<string, unknown> = { [answer]: 0 };
  const isDry = fields["dryRun"] === true;
  // A user's limit is for one request.
  const isLimited = fields["limit"] !== undefined;
  const piece = hasPieces && !isDry && !isLimited && !fields["ids"] ? { limit: PIECE } : {};
  const changed = () => Number(done[answer]);
  const show = () => {
    if (total !== undefined) line.show(bar(verb, changed(), total));
    else if (changed() > 0) line.show(`${counted(changed(), noun)} ${isDry ? "found" : past} so far`);
  };
  try {
    for (let next: object = {}; ; ) {
      show();
      const { cursor, ...counts } = await send({ ...fields, ...piece, ...next });
      for (const [name, value] of Object.entries(counts))
        done[name] = typeof value === "number" ? Number(done[name] ?? 0) + value : value;
      show();
      if (cursor == null || isLimited) return done;
      // Where the first moved them to, the others go too.
      next = { cursor, ...(done["runAt"] !== undefined && { runAt: done["runAt"], delay: undefined }) };
    }
  } catch (error) {
    if (changed() === 0 || isDry) throw error;
    throw new PartlyDone(`${counted(changed(), noun)} had been ${past} before.`, done, error);
  } finally {
    line.clear();
  }
}
