import { invalidRequest } from "../core/shared/errors.ts";

/** Refuses what JSON does not hold, as it would match all or nothing. @throws {TidegateError} that names the field. */
export function checkComparable(expected: unknown, path: string): void {
  if (isMatcher(expected) || expected === undefined || expected === null) return;
  if (["string", "boolean"].includes(typeof expected) || Number.isFinite(expected)) return;
  if (Array.isArray(expected)) {
    for (const [index, each] of expected.entries()) checkComparable(each, `${path}[${index}]`);
    return;
  }
  if (hasJson(expected)) return;
  if (typeof expected !== "object" || kindOf(expected) !== "Object") {
    const kind = typeof expected === "object" ? kindOf(expected) : typeof expected;
    throw invalidRequest(
      `${path}: payloads are stored as JSON, which holds no ${Number.isNaN(expected) ? "NaN" : kind}. Expect what is stored, or give a matcher.`,
    );
  }
  for (const [name, each] of Object.entries(expected)) checkComparable(each, `${path}.${name}`);
}

/** "Object", "Map", "RegExp" */
function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/** Whether a value converts itself to JSON, as a `Date` and a `URL` do. */
function hasJson(value: unknown): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}

/**
 * Lists the differences between a value and the expected one, one per line. Objects are compared by the expected fields
 * only, arrays by every element. A matcher of a test framework, such as `expect.any(String)`, fits what it matches. A
 * `Date` or a `URL` is compared as its text, as it is stored.
 */
export function differences(expected: unknown, actual: unknown, path: string): readonly string[] {
  if (isMatcher(expected)) return expected.asymmetricMatch(actual) ? [] : [line(path, String(expected), actual)];
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [line(path, shown(expected), actual)];
    const lengths = expected.length === actual.length ? [] : [line(`${path}.length`, expected.length, actual.length)];
    return [...lengths, ...expected.flatMap((each, index) => differences(each, actual[index], `${path}[${index}]`))];
  }
  if (typeof expected === "object" && expected !== null) {
    if (hasJson(expected)) return differences(expected.toJSON(), actual, path);
    if (typeof actual !== "object" || actual === null || Array.isArray(actual))
      return [line(path, shown(expected), actual)];
    const fields = actual as Record<string, unknown>;
    return Object.entries(expected).flatMap(([name, each]) => differences(each, fields[name], `${path}.${name}`));
  }
  return expected === actual ? [] : [line(path, shown(expected), actual)];
}

/** A value for a message, cut to a fixed length. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 300 ? `${text.slice(0, 300)} ...` : text;
}

function line(path: string, expected: string | number, actual: unknown): string {
  return `${path}: expected ${expected}, is ${shown(actual)}`;
}

function isMatcher(value: unknown): value is { asymmetricMatch(actual: unknown): boolean } {
  return typeof value === "object" && value !== null && "asymmetricMatch" in value;
}
