import { invalidRequest, quote } from "./errors.ts";

/** Options without those that are `undefined`. */
export type Given<Options> = { [Name in keyof Options]: Exclude<Options[Name], undefined> };

/** For `satisfies`: where `Value` never has a field of `All`, the compiler names it as `forgotten`. */
export type Complete<All, Value> = [Exclude<keyof All, keyof Value>] extends [never]
  ? unknown
  : { readonly forgotten: Exclude<keyof All, keyof Value> };

/**
 * Refuses unknown options: otherwise a misspelt one, or one of another library, would silently have no effect.
 *
 * @param of what the options belong to, for the message: "enqueue".
 * @returns the options without those that are `undefined`.
 */
export function knownOptions<Options>(options: Options, known: readonly string[], of: string): Given<Options> {
  const those = known.length > 0 ? `It knows: ${known.join(", ")}.` : "It knows none.";
  checkObject(options, `${of.replace(/^the /, "The ")} takes an object of options. ${those}`);
  const given = withoutUndefined(options);
  const unknown = Object.keys(given).find((option) => !known.includes(option));
  if (unknown !== undefined) throw invalidRequest(`Unknown option ${quote(unknown)} in ${of}. ${those}`);
  return given;
}

/** The options without those that are `undefined`: spread over defaults, they would hide them. */
export function withoutUndefined<Options extends object>(options: Options): Given<Options> {
  if (!Object.values(options).includes(undefined)) return options as Given<Options>;
  const given = { ...options } as Given<Options>;
  for (const name of Object.keys(given) as (keyof Options)[]) if (given[name] === undefined) delete given[name];
  return given;
}

/** @throws {TidegateError} `invalid_request` with this message unless it is an object; null and arrays are not. */
export function checkObject(value: unknown, message: string): asserts value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalidRequest(message);
}

/** Refuses an object that inherits from another: that would be ignored. Objects of other realms pass. */
export function checkPlain(value: object, of: string): void {
  const parent = Object.getPrototypeOf(value);
  if (parent === null || Object.getPrototypeOf(parent) === null) return;
  throw invalidRequest(`The options of ${of} must be a plain object: what an object inherits is not read.`);
}

/** Checks that options, if given, are functions. @param of what has them, for the message: "hooks". */
export function checkFunctions<Options extends object>(
  options: Options,
  names: readonly (keyof Options & string)[],
  of?: string,
): void {
  const wrong = names.find((name) => options[name] !== undefined && typeof options[name] !== "function");
  if (wrong !== undefined) throw invalidRequest(`${of ? `${of}.` : ""}${wrong} must be a function.`);
}

/**
 * Checks an id, key or name: 1 to `longest` characters that survive every transport unchanged (no control characters,
 * nor those that change the direction of text, no lone surrogates, no white space at either end).
 */
export function checkText(value: unknown, name: string, longest: number): asserts value is string {
  if (typeof value !== "string" || value.length === 0 || value.length > longest)
    throw invalidRequest(`${name} must be a string of 1 to ${longest} characters.`);
  if (control.test(value) || value.trim() !== value || !value.isWellFormed())
    throw invalidRequest(
      `${name} must be well-formed Unicode without control characters, direction marks included, and may not begin or end with white space.`,
    );
}

/** Checks a new id, key or name for URLs. @throws {TidegateError} `invalid_request`, also for "." and ".." */
export function checkPathText(value: unknown, name: string, longest: number): asserts value is string {
  checkText(value, name, longest);
  if (value === "." || value === "..")
    throw invalidRequest(`${name} must not be "${value}": a URL drops it, and would mean something else.`);
}

/** Control characters, and those that turn the direction of text: a terminal or a page obeys them. */
const control = /[\p{Cc}\p{Bidi_Control}]/u;

/** Checks that a value, if given, is one of some words. @throws {TidegateError} `invalid_request` */
export function oneOf(value: unknown, words: readonly string[], name: string): void {
  if (value !== undefined && !(typeof value === "string" && words.includes(value)))
    throw invalidRequest(`${name} must be one of ${words.map((word) => `"${word}"`).join(", ")}.`);
}

export function checkFlag(value: unknown, name: string): asserts value is boolean {
  if (typeof value !== "boolean") throw invalidRequest(`${name} must be true or false.`);
}

export function wholeNumber(value: unknown, name: string, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most)
    throw invalidRequest(`${name} must be a whole number from ${least} to ${most}.`);
  return value;
}
