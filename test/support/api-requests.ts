import fc from "fast-check";
import type { JsonSchema } from "../../src/core/shared/schema.ts";
import type { OpenApi, Operation, Parameter } from "../api-examples/openapi.ts";
import { tokens } from "../api-examples/world.ts";

/** A generated request. */
export interface Drawn {
  readonly operation: Operation;
  readonly path: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [name: string, text: string])[];
  readonly body: string | undefined;
  readonly token: string;
}

/** Values with a meaning in an `apiWorld`, by the name of their field; and waits that end at once. */
export const known: Readonly<Record<string, readonly unknown[]>> = {
  id: ["order-5", "order-6", "order-7", "order-8", "photo-1", "photo-2", "signup-42", "new-1", "new-2"],
  group: ["bd020c2316b2"],
  event: ["reply-42", "left-42", "reply-43"],
  key: ["daily", "hourly", "tenant-7"],
  queue: ["default"],
  name: ["send_email", "resize_image", "daily_report"],
  cron: ["0 9 * * *", "*/5 * * * * *", "@daily"],
  every: ["90s", "1.5m", 1_000],
  timeZone: ["Europe/Paris", "UTC"],
  period: ["1m", "1.5h", 1_500],
  linger: [0, "0s"],
};

/** Strings that tend to break parsers. */
const nasty = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>("", " ", "\u0000", "\ud800", "__proto__", "constructor", "1e999", "-1s", "2030-02-30", "%"),
  fc.constantFrom<unknown>(-1, 0.5, 2 ** 53, Number.MAX_VALUE, null, true, [], {}, { length: 5 }, "x".repeat(300)),
);

type Named = (name: string) => JsonSchema;

/** Values that fit a schema. Its strings are often ones with a meaning, which are known, or among the examples. */
function fitting(schema: JsonSchema, resolve: Named, field = ""): fc.Arbitrary<unknown> {
  const { $ref, anyOf, examples, enum: words, const: only, type, minimum, maximum, pattern, items } = schema;
  if (typeof $ref === "string") return fitting(resolve($ref), resolve, field);
  if (known[field]) return fc.constantFrom(...known[field]);
  if (only !== undefined) return fc.constant(only);
  if (Array.isArray(words)) return fc.constantFrom(...words);
  if (type === "object") return fittingObject(schema, resolve);
  if (Array.isArray(examples)) return fc.oneof(fc.constantFrom(...examples), ...fittingTexts(pattern, schema));
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((each: JsonSchema) => fitting(each, resolve, field)));
  if (type === "array")
    return fc.array(fitting(items as JsonSchema, resolve, field === "ids" ? "id" : ""), { maxLength: 3 });
  if (type === "boolean") return fc.boolean();
  const bounds = { min: Number(minimum ?? 0), max: Number(maximum ?? 1) };
  if (type === "integer") return fc.oneof(fc.constantFrom(bounds.min, bounds.max), fc.integer(bounds));
  if (type === "number") return fc.double({ ...bounds, noNaN: true });
  return fc.oneof({ arbitrary: fc.constant({ to: "ada@example.com" }), weight: 3 }, fc.jsonValue({ maxDepth: 2 }));
}

function fittingTexts(pattern: unknown, { maxLength }: JsonSchema): fc.Arbitrary<unknown>[] {
  if (typeof pattern !== "string") return [];
  return [fc.stringMatching(new RegExp(pattern)).filter((text) => text.length <= Number(maxLength ?? 100))];
}

interface Forbidden {
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

function fittingObject(schema: JsonSchema, resolve: Named): fc.Arbitrary<Record<string, unknown>> {
  const {
    properties = {},
    required = [],
    minProperties = 0,
    not,
    dependentRequired = {},
  } = schema as {
    readonly properties?: Readonly<Record<string, JsonSchema>>;
    readonly required?: readonly string[];
    readonly minProperties?: number;
    readonly not?: Forbidden & { readonly anyOf?: readonly Forbidden[] };
    readonly dependentRequired?: Readonly<Record<string, readonly string[]>>;
  };
  // What depends on values as well is left in: whether a drawn request fits is judged later.
  const excluded = (not?.anyOf ?? [not ?? {}]).flatMap(({ required, properties }) =>
    required && !properties ? [required] : [],
  );
  // Only the server knows valid cursors.
  const fields = Object.entries(properties).filter(([name]) => name !== "cursor");
  const values = Object.fromEntries(fields.map(([name, inner]) => [name, fitting(inner, resolve, name)]));
  const isAllowed = (value: object) =>
    Object.keys(value).length >= minProperties &&
    !excluded.some((names) => names.every((name) => Object.hasOwn(value, name))) &&
    Object.keys(value).every((name) => dependentRequired[name]?.every((other) => Object.hasOwn(value, other)) ?? true);
  return fc.record(values, { requiredKeys: [...required] }).filter(isAllowed) as fc.Arbitrary<Record<string, unknown>>;
}

/** Turns a value that fits into one that usually does not. */
function spoilt(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return nasty;
  const names = [...Object.keys(value), "unknown", "__proto__"];
  const change = fc.tuple(fc.constantFrom(...names), nasty).map(([name, other]) => ({ ...value, [name]: other }));
  const removal = fc
    .constantFrom(...names)
    .map((name) => Object.fromEntries(Object.entries(value).filter(([each]) => each !== name)));
  return fc.oneof({ arbitrary: change, weight: 3 }, removal, nasty);
}

const asText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

function queryOf(parameters: readonly Parameter[], resolve: Named): fc.Arbitrary<Drawn["query"]> {
  const properties = Object.fromEntries(parameters.map(({ name, schema }) => [name, schema]));
  const required = parameters.filter((each) => each.required).map(({ name }) => name);
  const fine = fittingObject({ properties, required }, resolve);
  const either = fc.oneof(
    { arbitrary: fine, weight: 4 },
    fine.chain(spoilt).filter((value) => typeof value === "object"),
  );
  return either.map((value) => Object.entries(value ?? {}).map(([name, each]) => [name, asText(each)] as const));
}

function bodyOf(schema: JsonSchema | undefined, resolve: Named): fc.Arbitrary<string | undefined> {
  if (!schema) return fc.constant(undefined);
  const fine = fitting(schema, resolve);
  return fc.oneof(
    { weight: 6, arbitrary: fine.map((value) => JSON.stringify(value)) },
    { weight: 5, arbitrary: fine.chain(spoilt).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fine.map((value) => JSON.stringify(value).slice(1)) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

function requestsOf(operation: Operation, resolve: Named): fc.Arbitrary<Drawn> {
  const inPath = operation.parameters.filter((each) => each.in === "path");
  const inQuery = operation.parameters.filter((each) => each.in === "query");
  const others = Object.values(tokens);
  const drawn = fc.record({
    operation: fc.constant(operation),
    path: fc.record(
      Object.fromEntries(inPath.map(({ name }) => [name, fc.constantFrom(...(known[name] as string[]))])),
    ),
    query: queryOf(inQuery, resolve),
    body: bodyOf(operation.body, resolve),
    token: fc.oneof({ arbitrary: fc.constant(tokens.admin), weight: 9 }, fc.constantFrom(...others, "unknown")),
  });
  return drawn.map((each) => Object.assign(each, { [fc.toStringMethod]: () => textOf(each) }));
}

/** Whether a drain would wait for a clock that nothing moves. */
function lingers({ query, body = "" }: Drawn): boolean {
  const texts = [body, ...query.map(([name, text]) => `"${name}":${text}`)];
  return texts.some((text) => /"linger":"?(?!0[",}s]|0$)\d/.test(text));
}

/** How a request is shown if it breaks a promise. */
function textOf({ operation, path, query, body, token }: Drawn): string {
  return JSON.stringify({ operation: operation.operationId, ...path, query, body, token });
}

/** Requests generated from a document: some that fit it, and some that do not quite. */
export function requestsFrom(api: OpenApi): fc.Arbitrary<Drawn> {
  const resolve: Named = (ref) => api.document.components.schemas[ref.replace(/.*\//, "")] ?? {};
  const each = api.operations.map((operation) => ({
    weight: operation.body ? 5 : 1,
    arbitrary: requestsOf(operation, resolve),
  }));
  return fc.oneof(...each).filter((drawn) => !lingers(drawn));
}
