import { checkFits } from "../enqueue/new-job.ts";
import type { AnyJob } from "../job/define.ts";
import { LONGEST_ID, LONGEST_NAME } from "../job/options.ts";
import { decodeRecord, encodeRecord, type JobRecord } from "../job/record.ts";
import { conflict, invalidRequest, notFound } from "../shared/errors.ts";
import { asJson, written } from "../shared/json.ts";
import { bytesOf, MOST_LISTED_BYTES, MOST_SETTLED_BYTES } from "../shared/limits.ts";
import { checkKnown, checkText } from "../shared/validate.ts";
import type { QueueStore, Revival, StoredJob } from "../store/store.ts";

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

/** Hands each piece to `act`, which says how many jobs it took, and adds them up. */
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

const countOf = async (jobs: readonly StoredJob[]) => jobs.length;

/**
 * Makes dead jobs live again, due now, with all their retries; tells how many.
 *
 * All of the selection is checked before the first is changed, so that a refusal changes none. What dies meanwhile under a name that
 * has not been checked stays dead.
 */
export async function retryDead(
  store: QueueStore,
  jobs: ReadonlyMap<string, AnyJob>,
  selection: DeadSelection,
  options: RetryOptions,
  now: number,
): Promise<number> {
  checkKnown(options, [...optionNames, "payload"], "retryFromDeadLetter");
  const change = "payload" in options ? { payload: asJson(options.payload, "payload") } : {};
  const names = new Set<string>();
  const check = async (dead: readonly StoredJob[]) => {
    for (const { name } of dead.map(readable)) {
      if (!names.has(name) && "payload" in change)
        await checkFits(name, jobs.get(name), asJson(change.payload, "payload"));
      names.add(name);
    }
    return dead.length;
  };
  const pieces = () => piecesOf(store, selection, now);
  if (options.dryRun) return forEachPiece(pieces(), options, check);
  let count = 0;
  let last: readonly StoredJob[] = [];
  for await (last of pieces()) {
    await check(last);
    count++;
  }
  // A single piece, which most selections are, need not be read again.
  return forEachPiece(count > 1 ? pieces() : [last], options, async (dead) => {
    const known = dead.filter(({ record }) => names.has(decodeRecord(record)?.name ?? ""));
    let revived = 0;
    for (const revivals of requestsOf(known, (job) => revivalOf(job, change, now))) {
      revived += (await store.revive(revivals, now)).filter(Boolean).length;
    }
    return revived;
  });
}

/** The revivals that fit into one request, made as they are sent: a large new payload in all of them is more than a Worker can hold. */
function* requestsOf(dead: readonly StoredJob[], build: (job: StoredJob) => Revival): Generator<readonly Revival[]> {
  let revivals: Revival[] = [];
  let bytes = 0;
  for (const job of dead) {
    const revival = build(job);
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

function revivalOf(dead: StoredJob, change: { readonly payload?: unknown }, now: number): Revival {
  const { end, ...rest } = readable(dead);
  const claims = end?.claims ?? 0;
  const record = written("payload", () => encodeRecord({ ...rest, ...change, returned: claims, revivedAt: now }));
  return { id: dead.id, deadSince: dead.at, claims, runAt: now, record, flow: dead.flow };
}

/** @throws {TidegateError} `conflict` for a record of a newer version. */
function readable({ id, record }: StoredJob): JobRecord {
  const known = decodeRecord(record);
  if (known) return known;
  throw conflict(
    `The record of dead job "${id}" is of a version that this deployment cannot read. Retry it with a newer one.`,
  );
}

/** Removes dead jobs for good; tells how many. */
export async function removeDead(
  store: QueueStore,
  selection: DeadSelection,
  options: DeadLetterOptions,
  now: number,
): Promise<number> {
  checkKnown(options, optionNames, "removeFromDeadLetter");
  const remove = (dead: readonly StoredJob[]) => store.removeDead(dead.map(({ id }) => id));
  return forEachPiece(piecesOf(store, selection, now), options, options.dryRun ? countOf : remove);
}

/** The error for one id that does not lie in the dead letter. */
export function notDead(id: string): Error {
  return notFound(`No dead job has the id "${id}".`);
}
