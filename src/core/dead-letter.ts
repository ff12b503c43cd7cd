import { checkFits } from "./enqueue.ts";
import { conflict, invalidRequest, notFound } from "./errors.ts";
import type { AnyJob } from "./job.ts";
import { checkKnown } from "./known-options.ts";
import { checkText, LONGEST_ID, LONGEST_NAME } from "./options.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import { bytesOf, MOST_LISTED_BYTES, MOST_SETTLED_BYTES } from "./request-size.ts";
import type { QueueStore, Revival, StoredJob } from "./store.ts";

/** Which dead jobs are meant: these ids, all of one name, or all. */
export type DeadSelection = { readonly ids: readonly string[] } | { readonly name: string } | { readonly all: true };

/** What a call that goes through the dead letter does beside. */
export interface DeadLetterOptions {
  /** Only tells how many it would be. */
  readonly dryRun?: boolean;
  /** Called after each piece of a large selection with how many are done. */
  readonly onProgress?: (done: number) => void;
}

/** How dead jobs are made to live again. */
export interface RetryOptions extends DeadLetterOptions {
  /** Goes in place of the stored payload, and must fit the schema. */
  readonly payload?: unknown;
}

const optionNames = ["dryRun", "onProgress"];

/** How many dead jobs are looked at together, where they are small. */
const PIECE = 250;

/** Checks a selection. @throws {TidegateError} `invalid_request` */
export function deadSelection(selection: string | DeadSelection): DeadSelection {
  if (typeof selection === "string") return deadSelection({ ids: [selection] });
  if (typeof selection === "object" && selection !== null) {
    const { ids, name, all } = selection as { ids?: unknown; name?: unknown; all?: unknown };
    const given = [ids, name, all].filter((value) => value !== undefined).length;
    if (given === 1 && Array.isArray(ids) && ids.length <= 1_000) {
      for (const id of ids) checkText(id, "id", LONGEST_ID);
      return { ids };
    }
    if (given === 1 && name !== undefined) {
      checkText(name, "name", LONGEST_NAME);
      return { name };
    }
    if (given === 1 && all === true) return { all };
  }
  throw invalidRequest("Say which dead jobs are meant: an id, { ids } with up to 1,000, { name }, or { all: true }.");
}

/** The dead jobs of a selection, in pieces. */
async function* piecesOf(
  store: QueueStore,
  selection: DeadSelection,
  now: number,
): AsyncGenerator<readonly StoredJob[]> {
  if ("ids" in selection) {
    let ids = [...new Set(selection.ids)];
    while (ids.length > 0) {
      const { jobs, rest } = await store.findDead(ids.slice(0, PIECE), MOST_LISTED_BYTES);
      ids = [...rest, ...ids.slice(PIECE)];
      yield jobs;
    }
    return;
  }
  let cursor: string | undefined;
  do {
    const page = await store.list("dead", { cursor, limit: PIECE, mostBytes: MOST_LISTED_BYTES, now });
    cursor = page.cursor;
    yield "name" in selection
      ? page.items.filter((job) => decodeRecord(job.record)?.name === selection.name)
      : page.items;
  } while (cursor !== undefined);
}

/** Counts the selection, or hands each piece of it to `act`, which tells how many it took. */
async function forEachPiece(
  store: QueueStore,
  selection: DeadSelection,
  options: DeadLetterOptions,
  now: number,
  act: (jobs: readonly StoredJob[]) => Promise<number>,
): Promise<number> {
  let done = 0;
  for await (const jobs of piecesOf(store, selection, now)) {
    if (jobs.length === 0) continue;
    done += options.dryRun ? jobs.length : await act(jobs);
    options.onProgress?.(done);
  }
  return done;
}

/** Makes dead jobs live again, due now, with all their retries; tells how many. */
export async function retryDead(
  store: QueueStore,
  jobs: ReadonlyMap<string, AnyJob>,
  selection: DeadSelection,
  options: RetryOptions,
  now: number,
): Promise<number> {
  checkKnown(options, [...optionNames, "payload"], "retryFromDeadLetter");
  return forEachPiece(store, selection, options, now, async (dead) => {
    let revived = 0;
    for await (const revivals of requestsOf(dead, (job) => revivalOf(job, jobs, options, now))) {
      revived += (await store.revive(revivals)).filter(Boolean).length;
    }
    return revived;
  });
}

/** The revivals that fit into one request, made as they are sent: a large new payload in all of them is more than a Worker can hold. */
async function* requestsOf(
  dead: readonly StoredJob[],
  build: (job: StoredJob) => Promise<Revival>,
): AsyncGenerator<readonly Revival[]> {
  let revivals: Revival[] = [];
  let bytes = 0;
  for (const job of dead) {
    const revival = await build(job);
    const added = bytesOf(revival.record);
    if (bytes + added > MOST_SETTLED_BYTES && revivals.length > 0) {
      yield revivals;
      revivals = [];
      bytes = 0;
    }
    revivals.push(revival);
    bytes += added;
  }
  if (revivals.length > 0) yield revivals;
}

async function revivalOf(
  { id, at, record }: StoredJob,
  jobs: ReadonlyMap<string, AnyJob>,
  options: RetryOptions,
  now: number,
): Promise<Revival> {
  const known = decodeRecord(record);
  if (!known)
    throw conflict(
      `The record of dead job "${id}" is of a version that this deployment cannot read. Retry it with a newer one.`,
    );
  if ("payload" in options) await checkFits(known.name, jobs.get(known.name), options.payload);
  const { end, ...rest } = known;
  const claims = end?.claims ?? 0;
  const payload = "payload" in options ? { payload: options.payload } : {};
  const revived = encodeRecord({ ...rest, ...payload, returned: claims, revivedAt: now });
  return { id, diedAt: at, claims, runAt: now, record: revived };
}

/** Removes dead jobs for good; tells how many. */
export async function removeDead(
  store: QueueStore,
  selection: DeadSelection,
  options: DeadLetterOptions,
  now: number,
): Promise<number> {
  checkKnown(options, optionNames, "removeFromDeadLetter");
  return forEachPiece(store, selection, options, now, (dead) => store.removeDead(dead.map(({ id }) => id)));
}

/** The error for one id that does not lie in the dead letter. */
export function notDead(id: string): Error {
  return notFound(`No dead job has the id "${id}".`);
}
