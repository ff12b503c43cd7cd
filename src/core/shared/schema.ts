import { type Duration, durationMs, LATEST_TIME_MS, momentMs, type PointInTime, pointInTimeMs } from "./duration.ts";
import { invalidRequest } from "./errors.ts";
import type { Given } from "./validate.ts";
import { checkFlag, checkPathText, checkPlain, checkText, knownOptions, oneOf, wholeNumber } from "./validate.ts";

/** A JSON Schema (2020-12), as OpenAPI 3.1 uses it. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** How to read and describe an option, a field or a parameter: method, route and OpenAPI document cannot differ. */
export interface Schema<Value = unknown> {
  readonly json: JsonSchema;
  /** Reads a value. @param name where it is; empty for the body. @throws {TidegateError} without the value. */
  read(value: unknown, name: string): Value;
  /** Converts the text of a query parameter before `read` gets it. Default: no conversion. */
  fromText?(text: string): unknown;
}

export type ValueOf<Part> = Part extends Schema<infer Value> ? Value : never;

export type Fields = Readonly<Record<string, Schema>>;

/** A line for each option that a type has, and no other. */
export type OptionFields<Options> = {
  readonly [Name in keyof Options]-?: Schema<Exclude<Options[Name], undefined>>;
};

type ObjectOf<Parts extends Fields, Required extends keyof Parts> = {
  readonly [Name in Required]: ValueOf<Parts[Name]>;
} & { readonly [Name in Exclude<keyof Parts, Required>]?: ValueOf<Parts[Name]> };

/** An object with known fields. Unknown fields are refused by name, so a misspelt option does not go unnoticed. */
export interface ObjectSchema<Value, Parts = Fields> extends Schema<Value> {
  readonly fields: Parts;
}

export interface OptionsSchema<Options> extends ObjectSchema<Given<Options>, OptionFields<Options>> {
  read(value: unknown, name?: string): Given<Options>;
}

/** A schema of what `isMeant` accepts. @param must completes "NAME must be", as in "true or false". */
export function accepting<Value>(json: JsonSchema, isMeant: (value: unknown) => boolean, must: string): Schema<Value> {
  return checkedBy(json, (value, name) => {
    if (!isMeant(value)) throw invalidRequest(`${name} must be ${must}.`);
  });
}

function checkedBy<Value>(
  json: JsonSchema,
  check: (value: unknown, name: string) => unknown,
  fromText?: Schema["fromText"],
): Schema<Value> {
  return {
    json,
    read(value, name) {
      check(value, name);
      return value as Value;
    },
    ...(fromText && { fromText }),
  };
}

/** The control characters of `checkText` for a pattern, in escapes that every JSON Schema library knows. */
const CONTROLS = "\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069";

/** The rule of `checkText` as a pattern: no control characters, no white space at either end. */
const TEXT = `^[^\\s${CONTROLS}]([^${CONTROLS}]*[^\\s${CONTROLS}])?$`;

export const anything: Schema = checkedBy({}, () => {});

/** A function. It cannot be sent, so no request has one. */
export const callable: Schema<never> = accepting({}, (value) => typeof value === "function", "a function");

export const yes: Schema<true> = accepting({ const: true }, (value) => value === true, "true, or left out");

export const flag: Schema<boolean> = checkedBy({ type: "boolean" }, checkFlag, (text) =>
  text === "true" || text === "false" ? text === "true" : text,
);

/** The same schema with more keywords for the OpenAPI document. */
export function withKeywords<Part extends Schema>(schema: Part, keywords: JsonSchema): Part {
  return { ...schema, json: { ...schema.json, ...keywords } };
}

export function described<Part extends Schema>(schema: Part, description: string): Part {
  return withKeywords(schema, { description });
}

/** A string that its user checks further. */
export function string(longest: number): Schema<string> {
  const fits = (value: unknown) => typeof value === "string" && value.length <= longest;
  return accepting({ type: "string", maxLength: longest }, fits, `a string of at most ${longest} characters`);
}

const LONGEST_CURSOR = 2_000;
const PREVIOUS_PAGE = "The previous page's cursor.";

/** A list's cursor. It begins with one of these states; the rest belongs to the store. */
export function cursorIn(states: readonly string[]): Schema<string> {
  const pattern = new RegExp(`^(${states.join("|")}):[^\\x00-\\x1f\\x7f]*$`);
  const { json, read } = described(string(LONGEST_CURSOR), PREVIOUS_PAGE);
  return checkedBy({ ...json, pattern: pattern.source }, (value, name) => {
    if (typeof value !== "string" || !pattern.test(value) || !value.isWellFormed())
      throw invalidRequest(`${name} must be the previous page's cursor, for the same state.`);
    read(value, name);
  });
}

export const cursor: Schema<string> = described(string(LONGEST_CURSOR), PREVIOUS_PAGE);

/** A cursor as a method takes it: null, as the last page has it, for the first page. */
export function orFirst(cursor: Schema<string>): Schema<string> {
  return { ...cursor, read: (value, name) => (value === null ? (value as never) : cursor.read(value, name)) };
}

/** A string of a fixed form that the core makes. */
export function formed(pattern: RegExp, example: string, meant: string): Schema<string> {
  const json = { type: "string", pattern: pattern.source, examples: [example] };
  return accepting(json, (value) => typeof value === "string" && pattern.test(value), meant);
}

/** An id, key or name. */
export function text(longest: number, example: string): Schema<string> {
  const json = { type: "string", minLength: 1, maxLength: longest, pattern: TEXT, examples: [example] };
  return checkedBy(json, (value, name) => checkText(value, name, longest));
}

/** An id or key to store: it must fit into a path. */
export function pathText(longest: number, example: string): Schema<string> {
  const json = { ...text(longest, example).json, not: { enum: [".", ".."] } };
  return checkedBy(json, (value, name) => checkPathText(value, name, longest));
}

export function word<const Word extends string>(words: readonly Word[]): Schema<Word> {
  return checkedBy({ type: "string", enum: words }, (value, name) => oneOf(value, words, name));
}

const numeral = /^\d+(\.\d+)?$/;
const numberFromText = (text: string): unknown => (numeral.test(text) ? Number(text) : text);

export function whole(least: number, most: number): Schema<number> {
  const json = { type: "integer", minimum: least, maximum: most };
  return checkedBy(json, (value, name) => wholeNumber(value, name, least, most), numberFromText);
}

export const limit = whole(1, 1_000);

export const share: Schema<number> = accepting(
  { type: "number", minimum: 0, maximum: 1 },
  (value) => typeof value === "number" && value >= 0 && value <= 1,
  "a number from 0 to 1",
);

const DURATION = "^(\\d+(\\.\\d+)?)(ms|s|m|h|d)$";

const durationJson = (pattern: string, least: number): JsonSchema => ({
  description: "A number with its unit, or milliseconds.",
  anyOf: [
    { type: "string", pattern },
    { type: "number", minimum: least, maximum: LATEST_TIME_MS },
  ],
  examples: ["30s", "5m", "1h", "7d", 1500],
});

export const duration: Schema<Duration> = checkedBy(durationJson(DURATION, 0), durationMs, numberFromText);

/** A duration of at least a millisecond. */
export const span: Schema<Duration> = checkedBy(
  durationJson("^(\\d*[1-9]\\d*(\\.\\d+)?|\\d+\\.\\d*[1-9]\\d*)(ms|s|m|h|d)$", 0.5),
  (value, name) => {
    if (durationMs(value, name) === 0) throw invalidRequest(`${name} must be longer than 0.`);
  },
);

const TIME = "^\\d{4}(-\\d\\d){2}T\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?(Z|[+-]\\d\\d:\\d\\d)$";
const milliseconds = { type: "number", minimum: 0, maximum: LATEST_TIME_MS };

export const time: Schema<PointInTime> = checkedBy(
  {
    description: "ISO 8601 with its zone, on a date that exists, or milliseconds since 1970.",
    anyOf: [{ type: "string", pattern: TIME }, milliseconds],
    examples: ["2030-01-31T09:00:00Z"],
  },
  pointInTimeMs,
  numberFromText,
);

export const since: Schema<PointInTime | Duration> = checkedBy(
  {
    description: "Only what has happened since: a time that has passed, or how long ago.",
    anyOf: [{ type: "string", pattern: `${DURATION}|${TIME}` }, milliseconds],
    examples: ["1h", "2026-03-01T09:00:00Z"],
  },
  (value, name) => momentMs(value, 0, name),
  numberFromText,
);

export function list<Item>(item: Schema<Item>, most: number): Schema<readonly Item[]> {
  return checkedBy({ type: "array", items: item.json, maxItems: most }, (value, name) => {
    if (!Array.isArray(value) || value.length > most)
      throw invalidRequest(`${name || "The body"} must be an array of at most ${most}.`);
    for (const [index, each] of value.entries()) item.read(each, `${name}[${index}]`);
  });
}

/** An object of a body, or the parameters of a query. @param of what contains the fields, for the message. */
export function object<const Parts extends Fields, Required extends keyof Parts & string = never>(
  fields: Parts,
  required: readonly Required[] = [],
  of = "the body",
): ObjectSchema<ObjectOf<Parts, Required>, Parts> {
  return optionsOf<ObjectOf<Parts, Required>>(of, fields as never, required as never) as never;
}

/** The options of a method; undefined counts as left out. @param of for the message: "enqueue". */
export function optionsOf<Options extends object>(
  of: string,
  fields: OptionFields<Options>,
  required: readonly (keyof Options & string)[] = [],
): OptionsSchema<Options> {
  const known = Object.keys(fields);
  const schemas = Object.entries<Schema>(fields);
  const properties = Object.fromEntries(schemas.map(([name, { json }]) => [name, json]));
  return {
    fields,
    json: { type: "object", properties, ...(required.length > 0 && { required }), additionalProperties: false },
    read(value, name = "") {
      const given = knownOptions(value as Options, known, name || of);
      checkPlain(given, name || of);
      const missing = required.find((field) => given[field] === undefined);
      if (missing !== undefined) throw invalidRequest(`${within(name, missing)} is missing.`);
      for (const [field, { read }] of schemas) {
        const one = given[field as keyof Options];
        if (one !== undefined) read(one, within(name, field));
      }
      return given;
    },
  };
}

/** One of several objects. The field that it has decides which. */
export function oneBy<const Kinds extends Readonly<Record<string, ObjectSchema<unknown>>>>(
  kinds: Kinds,
): ObjectSchema<ValueOf<Kinds[keyof Kinds]>> {
  const names = Object.keys(kinds);
  const checked = checkedBy<ValueOf<Kinds[keyof Kinds]>>(
    { anyOf: Object.values(kinds).map(({ json }) => json) },
    (value, name) => {
      const given = isObject(value) ? names.filter((field) => value[field] !== undefined) : [];
      const chosen = given.find((field) => given.every((other) => Object.hasOwn(kinds[field]?.fields ?? {}, other)));
      const kind = chosen === undefined ? undefined : kinds[chosen];
      if (!kind)
        throw invalidRequest(`${name || "The body"} must have exactly one of these fields: ${names.join(", ")}.`);
      kind.read(value, name);
    },
  );
  return { ...checked, fields: Object.assign({}, ...Object.values(kinds).map(({ fields }) => fields)) };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function within(name: string, field: string): string {
  return name ? `${name}.${field}` : field;
}
