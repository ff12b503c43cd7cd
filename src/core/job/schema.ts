import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { PayloadIssue } from "../shared/errors.ts";

export type Validation =
  | { readonly value: unknown }
  /** `threw` if the schema threw instead of returning issues. */
  | { readonly issues: readonly PayloadIssue[]; readonly threw?: true };

/** Checks a payload by any schema, or none. Never throws or rejects; a promise only if the schema is asynchronous. */
export function validate(schema: StandardSchemaV1 | undefined, payload: unknown): Validation | Promise<Validation> {
  if (!schema) return { value: payload };
  try {
    const result = schema["~standard"].validate(payload);
    if (!("then" in result)) return validationOf(result, payload);
    return Promise.resolve(result)
      .then((later) => validationOf(later, payload))
      .catch(thrown);
  } catch (error) {
    return thrown(error);
  }
}

/** The same without waiting; undefined if the schema is asynchronous, or throws. */
export function validateAtOnce(schema: StandardSchemaV1, payload: unknown): Validation | undefined {
  const validation = validate(schema, payload);
  return validation instanceof Promise || "threw" in validation ? undefined : validation;
}

function thrown(error: unknown): Validation {
  // The message may contain the payload, as those of BigInt and JSON.parse do.
  const name = error instanceof Error ? error.name : "value that is no Error";
  return { issues: [{ message: `the schema threw a ${name}`, path: [] }], threw: true };
}

/** Limits of what is reported: a payload may have any number of issues. */
const MOST_ISSUES = 20;
const LONGEST_MESSAGE = 500;
const LONGEST_PATH = 20;
const LONGEST_STEP = 100;
/** How many values of a field are searched in its message. If it has more, the message is replaced. */
const MOST_LEAVES = 1_000;
/** Shorter values of other fields are not searched: most messages contain a letter or a digit of some field. */
const LONG_LEAF = 6;
const UNFIT = "does not fit the schema";

function validationOf(result: StandardSchemaV1.Result<unknown>, payload: unknown): Validation {
  if (!result.issues) return { value: result.value };
  const others = new Set<string>();
  addLeaves(payload, others, LONG_LEAF);
  const issues = result.issues.slice(0, MOST_ISSUES).map((issue) => toIssue(issue, payload, others));
  const more = result.issues.length - issues.length;
  return { issues: more > 0 ? [...issues, { message: `and ${more} more issues`, path: [] }] : issues };
}

/** @param others the texts of values of the payload, wherever they are. */
function toIssue(
  { message, path: steps = [] }: StandardSchemaV1.Issue,
  payload: unknown,
  others: ReadonlySet<string>,
): PayloadIssue {
  const keys = [...steps].slice(0, LONGEST_PATH).map((step) => (typeof step === "object" ? step.key : step));
  const path = keys.map((key) => (typeof key === "number" ? key : String(key).slice(0, LONGEST_STEP)));
  // Some libraries repeat values in their messages, but an error must not contain the payload.
  const own = new Set<string>();
  const isKnown = addLeaves(valueAt(payload, keys), own, 1) && message.length <= LONGEST_MESSAGE;
  const words = message.split(/[^a-z]+/i);
  // A letter or two inside a longer word, such as the "x" of "expected", are the library's own.
  const isIn = (leaf: string) => (/^[a-z]{1,2}$/i.test(leaf) ? words : message).includes(leaf);
  const repeats = [own, others].some((leaves) => [...leaves].some(isIn));
  return { message: !isKnown || repeats ? UNFIT : message, path };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (isContainer(at) ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}

/** Adds the texts of a payload's values, plain and as JSON escapes them. @returns false if there are too many. */
function addLeaves(value: unknown, leaves: Set<string>, shortest: number): boolean {
  if (leaves.size >= MOST_LEAVES) return false;
  if (isContainer(value)) return Object.values(value).every((each) => addLeaves(each, leaves, shortest));
  const text = value === undefined || value === null ? "" : String(value);
  if (text.length < shortest) return true;
  leaves.add(text);
  if (typeof value === "string") leaves.add(JSON.stringify(value).slice(1, -1));
  return true;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The issues as one line: "to: expected a string; subject: required". */
export function issuesText(issues: readonly PayloadIssue[]): string {
  return issues.map(({ path, message }) => (path.length > 0 ? `${path.join(".")}: ${message}` : message)).join("; ");
}
