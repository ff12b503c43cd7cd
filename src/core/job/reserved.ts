import { quote, ReservedError } from "../shared/errors.ts";
import { isOfOccurrence } from "../store/occurrence-id.ts";

/**
 * How the names, ids and keys of interfaces in front of a queue begin: those of QStash's. They are reserved in every
 * queue, also in one that does not perform the jobs of the interface, since another process may perform what it
 * enqueues.
 */
export const reserved = { name: "qstash_", id: "qstash:", runId: "wfr_", key: "qstash:" } as const;

export function isReservedName(name: string): boolean {
  return name.startsWith(reserved.name);
}

/** Whether an interface makes jobs with such an id. What the job of an occurrence makes is named after it. */
export function isReservedId(id: string): boolean {
  return id.startsWith(reserved.id) || id.startsWith(reserved.runId) || isOfOccurrence(id);
}

/** Whether an interface sets the limits of such a key. */
export function isReservedKey(key: string): boolean {
  return key.startsWith(reserved.key);
}

/** What of a job, a schedule or a key may be reserved. */
interface Claims {
  readonly name?: string | undefined;
  readonly id?: string | undefined;
  readonly flowKey?: string | undefined;
  readonly dedupeKey?: string | undefined;
}

/** @throws {ReservedError} for what belongs to an interface. */
export function refuseReserved({ name, id, flowKey, dedupeKey }: Claims): void {
  if (name !== undefined && isReservedName(name)) throw refusal(`The name ${quote(name)}`);
  if (id !== undefined && isReservedId(id)) throw refusal(`The id ${quote(id)}`);
  if (flowKey !== undefined && isReservedKey(flowKey)) throw refusal(`The flow control key ${quote(flowKey)}`);
  if (dedupeKey !== undefined && isReservedKey(dedupeKey)) throw refusal(`The dedupe key ${quote(dedupeKey)}`);
}

function refusal(what: string): ReservedError {
  return new ReservedError(`${what} is reserved for QStash's interface. Choose another one, or use the interface.`);
}
