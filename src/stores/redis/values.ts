// What scripts.generated.ts needs to write arguments and to read replies. A client may give numbers as numbers or as
// digits.

/** What a script takes; undefined for none. */
export type Value = string | number | boolean | undefined;

export function textsOf(values: readonly Value[]): readonly string[] {
  const texts: string[] = [];
  for (const value of values)
    texts.push(value === undefined ? "" : String(typeof value === "boolean" ? +value : value));
  return texts;
}

/** Rows, one column after the other. Of a column in runs, equal values in a row come once, after their number. */
export function columnsOf<Field extends string>(
  rows: readonly Readonly<Record<Field, Value>>[],
  columns: readonly (readonly [field: Field, isInRuns: boolean])[],
): readonly Value[] {
  const values: Value[] = [];
  for (const [field, isInRuns] of columns) {
    let times = 0;
    for (let at = 0; at < rows.length; at++) {
      const value = rows[at]?.[field];
      times++;
      if (isInRuns && rows[at + 1]?.[field] === value) continue;
      if (isInRuns) values.push(times);
      values.push(value);
      times = 0;
    }
  }
  return values;
}

export const arrayOf = (reply: unknown): readonly unknown[] => (Array.isArray(reply) ? reply : []);

/** Reads rows of so many values. @param read gets all values, and where those of its row begin. */
export function rowsOf<Row>(
  reply: unknown,
  size: number,
  read: (values: readonly unknown[], at: number) => Row,
): readonly Row[] {
  const values = arrayOf(reply);
  const rows: Row[] = [];
  for (let at = 0; at < values.length; at += size) rows.push(read(values, at));
  return rows;
}
