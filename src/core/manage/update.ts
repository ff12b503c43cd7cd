import { checkFits, type EnqueueOptions, runAtMs } from "../enqueue/new-job.ts";
import type { AnyJob } from "../job/define.ts";
import { decodeRecord, encodeRecord } from "../job/record.ts";
import { conflict } from "../shared/errors.ts";
import { asJson, written } from "../shared/json.ts";
import { checkKnown } from "../shared/validate.ts";
import type { QueueStore, StoredJob } from "../store/store.ts";

/** What `update` changes of a waiting job. */
export interface JobChange extends Pick<EnqueueOptions, "delay" | "runAt"> {
  /** Goes in place of the stored payload, and must fit the schema. */
  readonly payload?: unknown;
}

/** A change as it was when `update` was called. @throws {TidegateError} `invalid_request`, `payload_too_large` */
export function readChange(change: JobChange): JobChange {
  checkKnown(change, ["delay", "runAt", "payload"], "update");
  return "payload" in change ? { ...change, payload: asJson(change.payload, "payload") } : { ...change };
}

/**
 * Changes the time of a waiting job, its payload, or both; gives the job as it stands then.
 *
 * @throws {InvalidPayloadError} where the payload does not fit the schema.
 * @throws {TidegateError} `conflict` where the job changes at the same time.
 */
export async function changeJob(
  store: QueueStore,
  jobs: ReadonlyMap<string, AnyJob>,
  stored: StoredJob,
  change: JobChange,
  now: number,
): Promise<StoredJob> {
  const { id, at, claims } = stored;
  const moves = change.runAt !== undefined || change.delay !== undefined;
  const runAt = moves ? runAtMs(change, now) : at;
  const before = decodeRecord(stored.record);
  if (!before) throw conflict(`Job "${id}" was stored by a newer version, which alone can change it.`);
  // A record that does not change is not sent: meanwhile somebody else may have given the job another payload.
  const record =
    "payload" in change ? written("payload", () => encodeRecord({ ...before, payload: change.payload })) : undefined;
  if ("payload" in change) await checkFits(before.name, jobs.get(before.name), change.payload);
  if (!(await store.change({ id, from: { at, claims }, runAt, record, flow: stored.flow }))) {
    throw conflict(`Job "${id}" changed at the same time. Look at it again.`);
  }
  return { ...stored, at: runAt, record: record ?? stored.record, state: runAt <= now ? "ready" : "scheduled" };
}
