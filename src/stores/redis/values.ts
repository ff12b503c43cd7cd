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

/** Rows, one column after the other. Of a column with `runs`, equal values in a row come once, after their number. */
export function columnsOf(rows: readonly (readonly Value[])[], runs: readonly boolean[]): readonly Value[] {
  const values: Value[] = [];
  for (const [column, isInRuns] of runs.entries()) {
    let times = 0;
    for (const [at, row] of rows.entries()) {
      const value = row[column];
      times++;
      if (isInRuns && rows[at + 1]?.[column] === value) continue;
      if (isInRuns) values.push(times);
      values.push(value);
      times = 0;
    }
  }
  return values;
}

export const arrayOf = (reply: unknown): readonly unknown[] => (Array.isArray(reply) ? reply : []);

export function rowsOf<Row>(reply: unknown, size: number, read: (row: readonly unknown[]) => Row): readonly Row[] {
  const values = arrayOf(reply);
  const rows: Row[] = [];
  for (let at = 0; at < values.length; at += size) rows.push(read(values.slice(at, at + size)));
  return rows;
}
