import { SEALED, SEALED_VERSION } from "./codec.ts";

// Records with fields that this queue cannot decrypt: it lacks their key, or they were changed.

/** How long a job waits for a deployment that has its key, from the first claim without it. Then it is dead. */
export const MISSING_KEY_MS = 86_400_000;

const sealed = new RegExp(`"${SEALED}(\\w+)":"([\\w-]{1,32})\\.[A-Za-z0-9+/]+=*"`, "g");

/** The name of the first key that it takes to read a record; undefined if nothing in it is encrypted. */
export function lockOf(record: string): string | undefined {
  return record.startsWith(SEALED_VERSION) ? keyOf(record) : undefined;
}

/** The same for a signal, which may be encrypted although the record that it has come to is not. */
export function lockOfSignal(signal: object | undefined): string | undefined {
  return signal && `${SEALED}data` in signal ? keyOf(JSON.stringify(signal)) : undefined;
}

/** What someone has put in place of a cipher text has no key. */
function keyOf(text: string): string {
  return new RegExp(sealed.source).exec(text)?.[2] ?? "unknown";
}

/** The record as it is shown: each encrypted value says which key it takes. */
export function withLocks(record: string): string {
  if (lockOf(record) === undefined) return record;
  return record.replace(sealed, (_, field: string, key: string) => `"${field}":${JSON.stringify(shown(field, key))}`);
}

function shown(field: string, key: string): unknown {
  if (field === "message") return `Encrypted with the key "${key}".`;
  if (field === "stack") return "";
  return field === "logs" ? [] : { encrypted: key };
}

export function whyLocked(what: string, key: string): string {
  return `${what} is encrypted with the key "${key}", which this queue lacks. Add the key to encryption.keys of the queue.`;
}
