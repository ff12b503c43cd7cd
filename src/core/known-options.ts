import { invalidRequest, quote } from "./errors.ts";

/**
 * Checks that options are an object, and that each of them is one that is read. One that is not, such as a misspelt one or
 * another library's, would be left out in silence, and its default hold.
 *
 * @param of what the options are of, for the message: "enqueue".
 * @param inner those that Tidegate itself hands in: they are read, and not told of.
 * @throws {TidegateError} `invalid_request`; the message names the option and those that there are.
 */
export function checkKnown(
  options: unknown,
  known: readonly string[],
  of: string,
  inner: readonly string[] = [],
): void {
  const those = `It knows: ${known.join(", ")}.`;
  checkObject(options, `${of} takes an object of options. ${those}`);
  const unknown = Object.keys(options).find((option) => !known.includes(option) && !inner.includes(option));
  if (unknown !== undefined) throw invalidRequest(`${quote(unknown)} is no option of ${of}. ${those}`);
}

/** @throws {TidegateError} `invalid_request` with the message given, for all that is no object: null and arrays too. */
export function checkObject(value: unknown, message: string): asserts value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalidRequest(message);
}

/**
 * Checks that each of some options is a function where it is given.
 *
 * @param of what the options are of, where the message must tell it: "hooks".
 * @throws {TidegateError} `invalid_request`; the message names the option.
 */
export function checkFunctions<Options extends object>(
  options: Options,
  names: readonly (keyof Options & string)[],
  of?: string,
): void {
  const wrong = names.find((name) => options[name] !== undefined && typeof options[name] !== "function");
  if (wrong !== undefined) throw invalidRequest(`${of ? `${of}.` : ""}${wrong} must be a function.`);
}
