// The version stands before the JSON in plain text: it is read without parsing, and keeps a client that parses what looks
// like JSON from touching the record.
const VERSION = "1:";

/** How long a record that this code cannot read is left to a deployment that can, before this code claims it again. */
export const UNREADABLE_RETRY_MS = 60_000;

/** Writes what is stored of a job or a schedule. */
export function encode(record: object): string {
  return VERSION + JSON.stringify(record);
}

/** Reads it; undefined if it is damaged or of a version that this code does not know. */
export function decode<Stored>(text: string): Stored | undefined {
  if (!text.startsWith(VERSION)) return undefined;
  try {
    return JSON.parse(text.slice(VERSION.length)) as Stored;
  } catch {
    return undefined;
  }
}
