import type { QueueContext } from "../enqueue/context.ts";
import { checkFits } from "../enqueue/new-job.ts";
import { correctionRefusal } from "../job/inner-options.ts";
import { decodeRecord, encodeRecord, type JobRecord, mustBeOpen, readRecord } from "../job/record.ts";
import { type Duration, durationMs, momentBefore, pointInTimeMs } from "../shared/duration.ts";
import { notFound } from "../shared/errors.ts";
import { asJson, written } from "../shared/json.ts";
import { inPieces, MOST_LISTED_BYTES, MOST_SETTLED_BYTES } from "../shared/limits.ts";
import { anything, callable, duration, flag, optionsOf } from "../shared/schema.ts";
import type { DeadJobRetry, StoredJob } from "../store/store.ts";
import { foundPieces, hasName, storedPages } from "./pages.ts";
import { type DeadSelection, deadSelection, type Period, period } from "./selection.ts";

/** Options of a call that goes through the dead-letter queue. */
export interface DeadLetterOptions extends Period {
  /** Only counts the jobs, and changes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Called after each piece of a large selection with the number of jobs done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** How dead jobs are retried. */
export interface RetryOptions extends DeadLetterOptions {
  /** Replaces the stored payload. It must fit the schema. */
  readonly payload?: unknown;
  /** Spreads their run times evenly over this time from now, such as "10m". Default: all are due now. */
  readonly over?: Duration | undefined;
}

/** What a retry changes in a dead job besides its payload. The name and the limits stay. */
export interface DeadJobChanges {
  readonly maxRetries?: number;
  readonly timeoutMs?: number;
  /** ms since 1970. Default: now. */
  readonly runAt?: number;
  /** Returns the new hidden value from the stored one. Default: it stays. */
  readonly hide?: (stored: unknown) => unknown;
}

export const removeOptions = optionsOf<DeadLetterOptions>("removeFromDeadLetter", {
  ...period,
  dryRun: flag,
  onProgress: callable,
});
export const retryOptions = optionsOf<RetryOptions>("retryFromDeadLetter", {
  ...removeOptions.fields,
  payload: anything,
  over: duration,
});

const selections = deadSelection({}, {});

/** How many dead jobs one request reads, if they are small. */
const PIECE = 250;

function readSelection(selection: string | DeadSelection, { since, before }: Period): DeadSelection {
  const selected = selections.read(typeof selection === "string" ? { ids: [selection] } : selection, "selection");
  return { ...selected, since: selected.since ?? since, before: selected.before ?? before };
}

async function* piecesOf({ store }: QueueContext, selection: DeadSelection, now: number) {
  const last = selection.before === undefined ? Infinity : pointInTimeMs(selection.before, "before");
  const first = momentBefore(selection.since, now);
  const isInTime = ({ at }: StoredJob) => at >= first && at <= last;
  if (selection.ids) {
    const ids = [...new Set(selection.ids)];
    for await (const jobs of foundPieces(store, ids, now, true, PIECE)) yield jobs.filter(isInTime);
    return;
  }
  const { name, group } = selection;
  const request = { limit: PIECE, mostBytes: MOST_LISTED_BYTES, now, group };
  for await (const { items } of storedPages(store, ["dead"], undefined, () => request, first))
    yield items.filter(isInTime).filter(hasName(name));
}

async function forEachPiece(
  pieces: AsyncIterable<readonly StoredJob[]> | readonly (readonly StoredJob[])[],
  { onProgress }: DeadLetterOptions,
  act: (jobs: readonly StoredJob[]) => Promise<number>,
): Promise<number> {
  let done = 0;
  for await (const jobs of pieces) {
    if (jobs.length === 0) continue;
    done += await act(jobs);
    onProgress?.(done);
  }
  return done;
}

export async function retryDead(
  needs: QueueContext,
  selection: string | DeadSelection,
  options: RetryOptions,
  changes: DeadJobChanges = {},
): Promise<number> {
  const now = needs.clock();
  const { runAt = now } = changes;
  const retried = await retrySelected(needs, readSelection(selection, options), options, { ...changes, runAt }, now);
  if (typeof selection === "string" && retried === 0) {
    // Most jobs that were not retried are not dead. A dead one has the id of a job that has not ended.
    const { jobs } = await needs.store.findEach([selection], MOST_LISTED_BYTES, now, true);
    if (jobs.length === 0) throw notDead(selection);
  }
  if (retried > 0 && !options.dryRun) await needs.noteDue(runAt);
  return retried;
}

/** Checks the whole selection before the first change. Leaves out jobs that died since under an unchecked name. */
async function retrySelected(
  needs: QueueContext,
  selection: DeadSelection,
  given: RetryOptions,
  { runAt, hide = (stored) => stored, ...changes }: DeadJobChanges & { readonly runAt: number },
  now: number,
): Promise<number> {
  const { store, definitions } = needs;
  const options = retryOptions.read(given);
  const change = { ...changes, ...("payload" in options && { payload: asJson(options.payload, "payload") }) };
  const newPayload = JSON.stringify(change.payload ?? "");
  const names = new Set<string>();
  const check = async (dead: readonly StoredJob[]) => {
    for (const each of dead) {
      const { name, payload } = readRecord(each);
      if ("payload" in change) mustBeOpen(each);
      const refusal = correctionRefusal(name, definitions.get(name), payload, change);
      if (refusal) throw refusal;
      if (!names.has(name) && "payload" in change)
        await checkFits(name, definitions.get(name), asJson(change.payload, "payload"));
      names.add(name);
    }
    return dead.length;
  };
  const pieces = () => piecesOf(needs, selection, now);
  if (options.dryRun) return forEachPiece(pieces(), options, check);
  const overMs = options.over === undefined ? 0 : durationMs(options.over, "over");
  let total = 0;
  let place = 0;
  const nextRunAt = () => runAt + Math.floor((overMs * place++) / total);
  let count = 0;
  let last: readonly StoredJob[] = [];
  for await (last of pieces()) {
    total += await check(last);
    count++;
  }
  // Most selections are a single piece, which need not be read again.
  return forEachPiece(count > 1 ? pieces() : [last], options, async (dead) => {
    const known = dead.filter(({ record }) => {
      const { name = "", payload } = decodeRecord(record) ?? {};
      return names.has(name) && !correctionRefusal(name, definitions.get(name), payload, change);
    });
    let retried = 0;
    // Each request is made when it is sent: with a large new payload, a Worker cannot hold all of them.
    for (const piece of inPieces(known, ({ record }) => record + newPayload, MOST_SETTLED_BYTES)) {
      const retries = piece.map((job) => retryOf(job, change, hide, nextRunAt(), now));
      retried += (await store.retryDead(retries, now)).filter(Boolean).length;
    }
    return retried;
  });
}

function retryOf(
  dead: StoredJob,
  change: Partial<JobRecord>,
  hide: (stored: unknown) => unknown,
  runAt: number,
  now: number,
): DeadJobRetry {
  const found = readRecord(dead);
  const { end, hidden: stored, lockedSince, ...rest } = found;
  const claims = end?.claims ?? 0;
  const hidden = hide(stored);
  const kept = { ...rest, ...change, ...stepsFor(found), ...(hidden !== undefined && { hidden }) };
  const record = written("payload", () => encodeRecord({ ...kept, returned: claims, revivedAt: now }, dead.record));
  return { id: dead.id, deadSince: dead.at, claims, runAt, record, flow: dead.flow };
}

/** The steps that a retry finds: those that have succeeded, and failures after which `perform` went on. */
function stepsFor({ steps }: JobRecord): Pick<JobRecord, "steps"> {
  return steps ? { steps: steps.filter(({ error, isDealtWith }) => !error || isDealtWith) } : {};
}

export async function removeDead(
  needs: QueueContext,
  selection: string | DeadSelection,
  given: DeadLetterOptions,
): Promise<number> {
  const options = removeOptions.read(given);
  const selected = readSelection(selection, options);
  const remove = async (dead: readonly StoredJob[]) => {
    const ids = dead.map(({ id }) => id);
    return options.dryRun ? ids.length : needs.store.removeDead(ids, needs.clock());
  };
  const removed = await forEachPiece(piecesOf(needs, selected, needs.clock()), options, remove);
  if (removed > 0 && !options.dryRun) await needs.noteAnythingDue();
  if (typeof selection === "string" && removed === 0) throw notDead(selection);
  return removed;
}

function notDead(id: string): Error {
  return notFound(`No dead job has the id "${id}".`);
}
