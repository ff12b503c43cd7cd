/** How many jobs wait under each name. */
export interface StoredPending {
  /** By the text of the name in the record (`nameText`); records without a name count under the empty text. */
  readonly counts: ReadonlyMap<string, number>;
  /** Whether the store read only some of the jobs, at random. Then a name of few jobs may be missing. */
  readonly isEstimated: boolean;
}

/** How many waiting jobs a store reads to count them by name. */
export const MOST_PENDING_READ = 1_000;

/** How records begin, after the digit of their version. */
const START = ':{"name":"';

/** The JSON text of the name in a record, without its quotes; empty if the record begins otherwise. */
export function nameText(record: string): string {
  if (!record.startsWith(START, 1)) return "";
  const [, text = ""] = /^((?:[^"\\]|\\.)*)"/s.exec(record.slice(1 + START.length)) ?? [];
  return text;
}
