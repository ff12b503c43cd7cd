import { quote, ReservedError } from "../shared/errors.ts";
import { isOfOccurrence } from "../store/occurrence-id.ts";

/** How names, ids and keys begin that an interface takes. They are reserved even where another process serves it. */
export const reserved = { name: "qstash_", id: "qstash:", runId: "wfr_", key: "qstash:" } as const;

/** How the names and ids of the jobs begin that send alerts. */
export const own = { name: "tidegate_", id: "tidegate:" } as const;

export function isReservedName(name: string): boolean {
  return name.startsWith(reserved.name) || isOwnName(name);
}

export function isOwnName(name: string): boolean {
  return name.startsWith(own.name);
}

/** Whether nobody else makes jobs with such an id. A job that an occurrence's job makes is named after it. */
export function isReservedId(id: string): boolean {
  return id.startsWith(own.id) || id.startsWith(reserved.id) || id.startsWith(reserved.runId) || isOfOccurrence(id);
}

export function isReservedKey(key: string): boolean {
  return key.startsWith(reserved.key);
}

type Claims = { readonly [What in "name" | "id" | "flowKey" | "dedupeKey"]?: string | undefined };

/** @throws {ReservedError} for what only jobs of Tidegate's own may have. */
export function refuseReserved({ name, id, flowKey, dedupeKey }: Claims): void {
  if (name !== undefined && isReservedName(name)) throw refusal("name", name);
  if (id !== undefined && isReservedId(id)) throw refusal("id", id);
  if (flowKey !== undefined && isReservedKey(flowKey)) throw refusal("flow control key", flowKey);
  if (dedupeKey !== undefined && isReservedKey(dedupeKey)) throw refusal("dedupe key", dedupeKey);
}

function refusal(what: string, claimed: string): ReservedError {
  return new ReservedError(`The ${what} ${quote(claimed)} is reserved for Tidegate's own jobs. Choose another one.`);
}
