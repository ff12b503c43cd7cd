// What scripts take and return, as scripts.generated.ts writes and reads it. A client may give numbers as numbers or as
// digits.

export type Value = string | number | boolean | undefined;

export function textOf(value: Value): string {
  if (value === undefined) return "";
  return typeof value === "boolean" ? (value ? "1" : "0") : String(value);
}

export const arrayOf = (reply: unknown): readonly unknown[] => (Array.isArray(reply) ? reply : []);

export const flagOf = (reply: unknown): boolean => Number(reply) === 1;

/** Reads rows of so many values, one after the other. */
export function rowsOf<Row>(reply: unknown, size: number, read: (row: readonly unknown[]) => Row): readonly Row[] {
  const values = arrayOf(reply);
  const rows: Row[] = [];
  for (let at = 0; at < values.length; at += size) rows.push(read(values.slice(at, at + size)));
  return rows;
}
