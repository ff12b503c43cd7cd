/**
 * Tells how a value differs from what is expected of it, a line for each place. Of an object only the fields named are
 * compared, of an array every element. A matcher of a test framework, such as `expect.any(String)`, stands for what it matches,
 * and a `Date` for its ISO 8601 text, as it is stored.
 */
export function differences(expected: unknown, actual: unknown, path: string): readonly string[] {
  if (isMatcher(expected)) return expected.asymmetricMatch(actual) ? [] : [line(path, String(expected), actual)];
  if (expected instanceof Date) return differences(expected.toJSON(), actual, path);
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [line(path, shown(expected), actual)];
    const lengths = expected.length === actual.length ? [] : [line(`${path}.length`, expected.length, actual.length)];
    return [...lengths, ...expected.flatMap((each, index) => differences(each, actual[index], `${path}[${index}]`))];
  }
  if (typeof expected === "object" && expected !== null) {
    if (typeof actual !== "object" || actual === null || Array.isArray(actual))
      return [line(path, shown(expected), actual)];
    const fields = actual as Record<string, unknown>;
    return Object.entries(expected).flatMap(([name, each]) => differences(each, fields[name], `${path}.${name}`));
  }
  return Object.is(expected, actual) ? [] : [line(path, shown(expected), actual)];
}

/** A value in a message, cut to a bounded length. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 300 ? `${text.slice(0, 300)} ...` : text;
}

function line(path: string, expected: string | number, actual: unknown): string {
  return `${path}: expected ${expected}, is ${shown(actual)}`;
}

interface Matcher {
  asymmetricMatch(actual: unknown): boolean;
}

function isMatcher(value: unknown): value is Matcher {
  return typeof value === "object" && value !== null && "asymmetricMatch" in value;
}
