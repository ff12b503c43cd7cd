import { type Duration, durationMs, LATEST_TIME_MS, pointInTimeMs } from "../../core/shared/duration.ts";
import { invalidRequest, quote } from "../../core/shared/errors.ts";
import { checkPathText, checkText, oneOf, wholeNumber } from "../../core/shared/validate.ts";

/** A JSON Schema (2020-12), as OpenAPI 3.1 uses it. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** A part of a request: how to read it, and how to document it. Both live in one place so that they cannot drift apart. */
export interface Schema<Value = unknown> {
  readonly json: JsonSchema;
  /**
   * Reads a value.
   * @param name where the value stands, for the message. Empty for the whole body.
   * @throws {TidegateError} `invalid_request`; the message names the field, never its value.
   */
  read(value: unknown, name: string): Value;
  /** Converts the text of a query parameter before `read` gets it. Default: no conversion. */
  fromText?(text: string): unknown;
}

export type ValueOf<Part> = Part extends Schema<infer Value> ? Value : never;

/** The fields of an object, by name. */
export type Fields = Readonly<Record<string, Schema>>;

type ObjectOf<Parts extends Fields, Required extends keyof Parts> = {
  readonly [Name in Required]: ValueOf<Parts[Name]>;
} & { readonly [Name in Exclude<keyof Parts, Required>]?: ValueOf<Parts[Name]> };

/** An object with known fields. Unknown fields are refused by name, so a misspelt option does not go unnoticed. */
export interface ObjectSchema<Value> extends Schema<Value> {
  readonly fields: Fields;
}

/** The control characters of `checkText` as a part of a pattern, in escapes that every reader of JSON Schema knows. */
const CONTROLS = "\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069";

/** The rule of `checkText` as a pattern: no control characters, no white space at either end. */
const TEXT = `^[^\\s${CONTROLS}]([^${CONTROLS}]*[^\\s${CONTROLS}])?$`;

/** Any JSON value. */
export const anything: Schema = { json: {}, read: (value) => value };

/** True, or left out. */
export const yes: Schema<true> = {
  json: { const: true },
  read(value, name) {
    if (value !== true) throw invalidRequest(`${name} must be true, or left out.`);
    return value;
  },
};

export const flag: Schema<boolean> = {
  json: { type: "boolean" },
  read(value, name) {
    if (typeof value !== "boolean") throw invalidRequest(`${name} must be true or false.`);
    return value;
  },
  fromText: (text) => (text === "true" || text === "false" ? text === "true" : text),
};

/** The same schema with more keywords for the OpenAPI document. */
export function withKeywords<Part extends Schema>(schema: Part, keywords: JsonSchema): Part {
  return { ...schema, json: { ...schema.json, ...keywords } };
}

/** A string that the core validates further. */
export function string(longest: number): Schema<string> {
  return {
    json: { type: "string", maxLength: longest },
    read(value, name) {
      if (typeof value !== "string" || value.length > longest)
        throw invalidRequest(`${name} must be a string of at most ${longest} characters.`);
      return value;
    },
  };
}

/** A list's cursor. It begins with one of these states; the rest belongs to the store. */
export function cursorIn(states: readonly string[], longest: number): Schema<string> {
  const pattern = new RegExp(`^(${states.join("|")}):[^\\x00-\\x1f\\x7f]*$`);
  return {
    json: {
      type: "string",
      maxLength: longest,
      pattern: pattern.source,
      description: "The cursor of the previous page.",
    },
    read(value, name) {
      if (typeof value !== "string" || value.length > longest || !pattern.test(value) || !value.isWellFormed())
        throw invalidRequest(`${name} must be the cursor of the previous page, for the same state.`);
      return value;
    },
  };
}

/** A string of a fixed form, which the core makes. */
export function formed(pattern: RegExp, example: string, meant: string): Schema<string> {
  return {
    json: { type: "string", pattern: pattern.source, examples: [example] },
    read(value, name) {
      if (typeof value !== "string" || !pattern.test(value)) throw invalidRequest(`${name} must be ${meant}.`);
      return value;
    },
  };
}

/** An id, key or name. */
export function text(longest: number, example: string): Schema<string> {
  return {
    json: { type: "string", minLength: 1, maxLength: longest, pattern: TEXT, examples: [example] },
    read(value, name) {
      checkText(value, name, longest);
      return value;
    },
  };
}

/** An id or key that will be stored: it must be able to stand in a path. */
export function pathText(longest: number, example: string): Schema<string> {
  return {
    json: { ...text(longest, example).json, not: { enum: [".", ".."] } },
    read(value, name) {
      checkPathText(value, name, longest);
      return value;
    },
  };
}

export function word<const Word extends string>(words: readonly Word[]): Schema<Word> {
  return {
    json: { type: "string", enum: words },
    read(value, name) {
      oneOf(value, words, name);
      return value as Word;
    },
  };
}

const numeral = /^\d+(\.\d+)?$/;
const numberFromText = (text: string): unknown => (numeral.test(text) ? Number(text) : text);

export function whole(least: number, most: number): Schema<number> {
  return {
    json: { type: "integer", minimum: least, maximum: most },
    read: (value, name) => wholeNumber(value, name, least, most),
    fromText: numberFromText,
  };
}

/** A number from 0 to 1. */
export const share: Schema<number> = {
  json: { type: "number", minimum: 0, maximum: 1 },
  read(value, name) {
    if (typeof value !== "number" || value < 0 || value > 1)
      throw invalidRequest(`${name} must be a number from 0 to 1.`);
    return value;
  },
};

const durationJson = (digits: string, least: number): JsonSchema => ({
  description: "A number with its unit, or milliseconds.",
  anyOf: [
    { type: "string", pattern: `^(${digits})(ms|s|m|h|d)$` },
    { type: "number", minimum: least, maximum: LATEST_TIME_MS },
  ],
  examples: ["30s", "5m", "1h", "7d", 1500],
});

export const duration: Schema<Duration> = {
  json: durationJson("\\d+(\\.\\d+)?", 0),
  read(value, name) {
    durationMs(value, name);
    return value as Duration;
  },
  fromText: numberFromText,
};

/** A duration of at least a millisecond. */
export const span = withKeywords(duration, durationJson("\\d*[1-9]\\d*(\\.\\d+)?|\\d+\\.\\d*[1-9]\\d*", 0.5));

export const time: Schema<string | number> = {
  json: {
    description: "ISO 8601 with its zone, on a date that exists, or milliseconds since 1970.",
    anyOf: [
      {
        type: "string",
        pattern: "^\\d{4}(-\\d\\d){2}T\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?(Z|[+-]\\d\\d:\\d\\d)$",
      },
      { type: "number", minimum: 0, maximum: LATEST_TIME_MS },
    ],
    examples: ["2030-01-31T09:00:00Z"],
  },
  read(value, name) {
    pointInTimeMs(value, name);
    return value as string | number;
  },
};

export function list<Item>(item: Schema<Item>, most: number): Schema<readonly Item[]> {
  return {
    json: { type: "array", items: item.json, maxItems: most },
    read(value, name) {
      if (!Array.isArray(value) || value.length > most)
        throw invalidRequest(`${name || "The body"} must be an array of at most ${most}.`);
      return value.map((each, index) => item.read(each, `${name}[${index}]`));
    },
  };
}

export function object<const Parts extends Fields, Required extends keyof Parts & string = never>(
  fields: Parts,
  required: readonly Required[] = [],
): ObjectSchema<ObjectOf<Parts, Required>> {
  const properties = Object.fromEntries(Object.entries(fields).map(([name, { json }]) => [name, json]));
  return {
    fields,
    json: { type: "object", properties, ...(required.length > 0 && { required }), additionalProperties: false },
    read(value, name) {
      if (!isObject(value)) throw invalidRequest(`${name || "The body"} must be a JSON object.`);
      const missing = required.find((field) => !Object.hasOwn(value, field));
      if (missing !== undefined) throw invalidRequest(`${within(name, missing)} is missing.`);
      const entries = Object.entries(value).map(([field, inner]) => [
        field,
        fieldNamed(field, fields, name).read(inner, within(name, field)),
      ]);
      return Object.fromEntries(entries) as ObjectOf<Parts, Required>;
    },
  };
}

/** One of several objects. The field that it has decides which. */
export function oneBy<const Kinds extends Readonly<Record<string, ObjectSchema<unknown>>>>(
  kinds: Kinds,
): Schema<ValueOf<Kinds[keyof Kinds]>> {
  const names = Object.keys(kinds);
  return {
    json: { anyOf: Object.values(kinds).map(({ json }) => json) },
    read(value, name) {
      const given = isObject(value) ? names.filter((field) => Object.hasOwn(value, field)) : [];
      const kind = given.length === 1 ? kinds[given[0] as keyof Kinds] : undefined;
      if (!kind) throw invalidRequest(`${name || "The body"} must have one of these fields: ${names.join(", ")}.`);
      return kind.read(value, name) as ValueOf<Kinds[keyof Kinds]>;
    },
  };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function within(name: string, field: string): string {
  return name ? `${name}.${field}` : field;
}

function fieldNamed(field: string, fields: Fields, name: string): Schema {
  const schema = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (schema) return schema;
  const known = Object.keys(fields);
  const others = known.length > 0 ? `Known fields: ${known.join(", ")}.` : "No fields are allowed here.";
  throw invalidRequest(`Unknown field ${quote(within(name, field))}. ${others}`);
}
