// What scripts take and return, as scripts.generated.ts writes and reads it. A client may give numbers as numbers or as
// digits.

export type Value = string | number | boolean | undefined;

export function textOf(value: Value): string {
  if (value === undefined) return "";
  return typeof value === "boolean" ? (value ? "1" : "0") : String(value);
}

type Read<Result> = (reply: unknown) => Result;
type ReadRow<Result> = (row: readonly unknown[]) => Result;

const arrayOf = (reply: unknown): readonly unknown[] => (Array.isArray(reply) ? reply : []);

export const flagOf = (reply: unknown): boolean => Number(reply) === 1;

export function orNone<Result>(read: Read<Result>): Read<Result | undefined> {
  return (reply) => (reply === "" ? undefined : read(reply));
}

export function listOf<Result>(read: Read<Result>): Read<readonly Result[]> {
  return (reply) => arrayOf(reply).map((value) => read(value));
}

export function recordOf<Result>(read: ReadRow<Result>): Read<Result> {
  return (reply) => read(arrayOf(reply));
}

/** Reads rows of so many values, one after the other. */
export function rowsOf<Result>(size: number, read: ReadRow<Result>): Read<readonly Result[]> {
  return (reply) => {
    const values = arrayOf(reply);
    return Array.from({ length: values.length / size }, (_, row) => read(values.slice(row * size, (row + 1) * size)));
  };
}
