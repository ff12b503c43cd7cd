import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { PayloadIssue } from "./errors.ts";

export type Validation = { readonly value: unknown } | { readonly issues: readonly PayloadIssue[] };

/** Checks a payload against a schema of any library; without one every payload fits. */
export async function validate(schema: StandardSchemaV1 | undefined, payload: unknown): Promise<Validation> {
  if (!schema) return { value: payload };
  const result = await schema["~standard"].validate(payload);
  return result.issues ? { issues: result.issues.map(toIssue) } : { value: result.value };
}

function toIssue(issue: StandardSchemaV1.Issue): PayloadIssue {
  const path = (issue.path ?? []).map((step) => {
    const key = typeof step === "object" ? step.key : step;
    return typeof key === "symbol" ? String(key) : key;
  });
  return { message: issue.message, path };
}

/** The issues as one line: "to: expected a string; subject: required". */
export function issuesText(issues: readonly PayloadIssue[]): string {
  return issues.map(({ path, message }) => (path.length > 0 ? `${path.join(".")}: ${message}` : message)).join("; ");
}
