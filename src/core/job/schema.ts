import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { PayloadIssue } from "../shared/errors.ts";

export type Validation =
  | { readonly value: unknown }
  /** `threw` if the schema threw instead of answering. */
  | { readonly issues: readonly PayloadIssue[]; readonly threw?: true };

/**
 * Checks a payload against a schema of any library; without one every payload fits. Never throws or rejects.
 *
 * @returns a promise only if the schema answers later.
 */
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

/** The same without waiting; undefined if the schema answers later, or throws. */
export function validateAtOnce(schema: StandardSchemaV1, payload: unknown): Validation | undefined {
  const validation = validate(schema, payload);
  return validation instanceof Promise || "threw" in validation ? undefined : validation;
}

function thrown(error: unknown): Validation {
  // Its message may hold the payload, as that of BigInt or JSON.parse does.
  const name = error instanceof Error ? error.name : "value that is no Error";
  return { issues: [{ message: `the schema threw a ${name}`, path: [] }], threw: true };
}

function validationOf(result: StandardSchemaV1.Result<unknown>, payload: unknown): Validation {
  return result.issues ? { issues: result.issues.map((issue) => toIssue(issue, payload)) } : { value: result.value };
}

function toIssue({ message, path: steps = [] }: StandardSchemaV1.Issue, payload: unknown): PayloadIssue {
  const path = [...steps].map((step) => {
    const key = typeof step === "object" ? step.key : step;
    return typeof key === "symbol" ? String(key) : key;
  });
  // Some libraries repeat the value in their messages, and an error must not contain the payload.
  const repeats = leavesOf(valueAt(payload, path)).some((leaf) => message.includes(leaf));
  return { message: repeats ? "does not fit the schema" : message, path };
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (isContainer(at) ? (at as Record<string | number, unknown>)[key] : undefined),
    value,
  );
}

/** The texts of all values in a payload that a message could repeat. */
function leavesOf(value: unknown): readonly string[] {
  if (isContainer(value)) return Object.values(value).flatMap(leavesOf);
  return value === undefined || value === null || value === "" ? [] : [String(value)];
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The issues as one line: "to: expected a string; subject: required". */
export function issuesText(issues: readonly PayloadIssue[]): string {
  return issues.map(({ path, message }) => (path.length > 0 ? `${path.join(".")}: ${message}` : message)).join("; ");
}
