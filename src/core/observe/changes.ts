import type { Clock } from "../shared/clock.ts";
import { type Duration, momentBefore, type PointInTime } from "../shared/duration.ts";
import { cursor, described, limit, optionsOf, orFirst, since, text } from "../shared/schema.ts";
import { checkText, knownOptions } from "../shared/validate.ts";
import { parentOf } from "../store/family.ts";
import { CHANGES_KEPT, type QueueStore } from "../store/store.ts";

/** Who makes a change, for the list of changes. */
export interface ChangedBy {
  /**
   * Who makes this change: 1 to 64 characters, such as "on-call". `listChanges` then shows it. Default: the change is
   * not listed.
   */
  readonly by?: string | undefined;
}

/** How something is paused. */
export interface PauseOptions {
  /** Why: 1 to 200 characters, such as "CRM is down". Default: none. Of a queue or a key, `by` is needed too. */
  readonly reason?: string | undefined;
}

const LONGEST_REASON = 200;

export const pauseOptions = optionsOf<PauseOptions>("pause", {
  reason: described(text(LONGEST_REASON, "CRM is down"), "Why. Default: none."),
});

/** Who paused a queue or a key, while that is among the latest 1,000 changes. */
export interface PausedBy {
  /** Who paused it, if among the latest 1,000 changes; null for a token without a name. */
  readonly pausedBy?: string | null;
  /** When that was. */
  readonly pausedAt?: Date;
  /** Why, if a reason was given. */
  readonly pausedReason?: string;
}

/** A change that somebody has made to a queue. */
export interface QueueChange {
  /** When it was made; of the pieces of a large change, the last one. */
  readonly at: Date;
  /** Who made it: the name of the token, or `by` of the call. Null for a token without a name. */
  readonly by: string | null;
  /** What was done, as the operation is named in the HTTP API: "pause", "retryDeadJobs". */
  readonly operation: string;
  /** To what: an id, key, event, job type, group of failures, state, or the parent of all ids. Null for the rest. */
  readonly target: string | null;
  /** How many jobs it changed; null if it does not count them. */
  readonly count: number | null;
  /** Why, if something was paused with a reason. */
  readonly reason?: string;
}

export const latestChangeFirst = (one: QueueChange, other: QueueChange): number =>
  other.at.getTime() - one.at.getTime();

/** One page of changes. */
export interface ChangePage {
  /** Newest first. */
  readonly changes: readonly QueueChange[];
  /** The next page's cursor; null on the last one. */
  readonly cursor: string | null;
}

/** Which changes to list. */
export interface ChangeListOptions {
  /** The previous page's cursor. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000. Default 100. A page can show fewer, since it sums up the pieces of a large change. */
  readonly limit?: number | undefined;
  /** Only changes since this time, or in this time. Default: all. */
  readonly since?: PointInTime | Duration | undefined;
}

export const changeListOptions = optionsOf<ChangeListOptions>("listChanges", { cursor: orFirst(cursor), limit, since });

export const LONGEST_BY = 64;
/** So many are read at least, so that a short page sums up the whole of a large change too. */
const LEAST_READ = 100;

interface Context {
  readonly clock: Clock;
  readonly store: Pick<QueueStore, "noteChange">;
}

/** The options of a change that takes no others. @param of for the message. @throws {TidegateError} */
export const onlyBy = (given: ChangedBy, of: string): ChangedBy => knownOptions(given, ["by"], of);

/** What a selection selects, as far as one text says it. */
export function targetOf(selection: unknown): string | null {
  if (typeof selection === "string") return selection;
  const { name, group, state, ids } = Object(selection);
  const all: readonly unknown[] = Array.isArray(ids) ? ids : [];
  const [target = null, ...others] = new Set(all.length > 1 ? all.map((id) => parentOf(String(id))) : all);
  return name ?? group ?? state ?? (others.length === 0 ? target : null);
}

/** Lists a change, unless it has changed nothing. @param result of the call, which may say how much it changed. */
export async function noteChange(
  { store, clock }: Context,
  change: Omit<QueueChange, "at" | "count" | "reason">,
  result: unknown,
): Promise<void> {
  const { cleared, cancelled, rescheduled, retried, removed, rekeyed, resumed, reason, isPiece } = Object(result);
  const count = cleared ?? cancelled ?? rescheduled ?? retried ?? removed ?? rekeyed ?? null;
  if (count !== 0 && resumed !== false)
    await store.noteChange(JSON.stringify({ at: clock(), ...change, count, reason: reason || undefined, isPiece }));
}

/** Makes a change, and lists it if its options say by whom. @param act gets the other options. */
export async function changing<Options, Result>(
  context: Context,
  operation: string,
  target: string | null,
  given: Options & ChangedBy,
  act: (options: Options) => Promise<Result>,
): Promise<Result> {
  if (typeof given !== "object" || given === null || !("by" in given)) return act(given);
  const { by, ...options } = given;
  if (by !== undefined) checkText(by, "by", LONGEST_BY);
  const result = await act(options as Options);
  const isDry = "dryRun" in options && options.dryRun;
  if (by !== undefined && !isDry)
    await noteChange(context, { by, operation, target }, { ...options, ...Object(result) });
  return result;
}

export async function listChanges(
  { store, clock }: { readonly store: Pick<QueueStore, "changes">; readonly clock: Clock },
  given: ChangeListOptions,
): Promise<ChangePage> {
  const { cursor, limit = 100, since } = changeListOptions.read(given);
  const sinceMs = momentBefore(since, clock());
  const from = cursor ?? undefined;
  const page = await store.changes(from, Math.max(limit, LEAST_READ));
  const changes: QueueChange[] = [];
  /** Whether the change after it went on with one. */
  let goesOn = false;
  for (const [index, item] of page.items.entries()) {
    const { at, isPiece: isNext = false, ...change } = JSON.parse(item);
    if (at < sinceMs) return { changes, cursor: null };
    const last = changes.at(-1);
    const isPiece =
      goesOn &&
      last?.count != null &&
      (["by", "operation", "target"] as const).every((name) => last[name] === change[name]);
    goesOn = isNext;
    if (isPiece) changes[changes.length - 1] = { ...last, count: (last.count ?? 0) + change.count };
    else if (changes.length === limit) return { changes, cursor: (await store.changes(from, index)).cursor ?? null };
    else changes.push({ at: new Date(at), ...change });
  }
  return { changes, cursor: page.cursor ?? null };
}

/** Adds who has paused what is paused, a queue or keys: a command, and a second if the latest changes do not say. */
export async function withPausedBy<Each extends PausedBy & { readonly paused: boolean; readonly key?: string }>(
  needs: Parameters<typeof listChanges>[0],
  all: readonly Each[],
  limit = LEAST_READ,
): Promise<readonly Each[]> {
  if (!all.some(({ paused }) => paused)) return all;
  const { changes, cursor } = await listChanges(needs, { limit });
  const lastOf = ({ key }: Each) => {
    const operation = key === undefined ? /^(pause|resume)$/ : /^(pause|resume)FlowControlKey$/;
    return changes.find((each) => each.target === (key ?? null) && operation.test(each.operation));
  };
  if (cursor !== null && limit < CHANGES_KEPT && all.some((each) => each.paused && !lastOf(each)))
    return withPausedBy(needs, all, CHANGES_KEPT);
  return all.map((each) => {
    const { operation, by, at, reason } = (each.paused && lastOf(each)) || {};
    if (by === undefined || !operation?.startsWith("pause")) return each;
    return { ...each, pausedBy: by, pausedAt: at, ...(reason !== undefined && { pausedReason: reason }) };
  });
}
