import { documentOf, type Result } from "./run-cli.ts";

interface Check {
  readonly check: string;
  readonly status: string;
  readonly message: string;
  readonly advice?: string;
}

/** What was found, by check: `{ url: "ok", ... }`. */
export function statuses(result: Result): Record<string, string> {
  const { checks } = documentOf(result) as { checks: Check[] };
  return Object.fromEntries(checks.map(({ check, status }) => [check, status]));
}

/** What one check found. */
export function findingOf(result: Result, name: string): Check | undefined {
  return (documentOf(result) as { checks: Check[] }).checks.find(({ check }) => check === name);
}

export const doctor = ["queue:doctor", "--json"];
