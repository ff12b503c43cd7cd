import { PermanentError, withoutStack } from "../job/errors.ts";
import type { StoredStep } from "../job/steps.ts";
import { quote } from "../shared/errors.ts";

// Steps that are used wrongly: no other attempt can help, so the job is dead.

export function sameName(kind: StoredStep["kind"], name: string): Error {
  const what = kind === "sleep" ? "sleeps" : "steps";
  return withoutStack(
    new PermanentError(
      `Two ${what} of the job are named ${quote(name)}. Give each a name of its own, such as \`${name}-\${index}\` in a loop.`,
    ),
  );
}

export function notAlone(kind: StoredStep["kind"], name: string, opened: StoredStep | undefined): Error {
  const calls = { step: "job.step", sleep: "job.sleep", wait: "job.waitFor" };
  const call = calls[kind ?? "step"];
  const other = opened ? calls[opened.kind ?? "step"] : "a step that runs";
  return withoutStack(
    new PermanentError(
      `${call} (${name}) was called beside ${other}. Await a sleep or a wait alone: only steps can run in parallel.`,
    ),
  );
}

export function tooMuch(name: string): Error {
  return withoutStack(
    new PermanentError(
      `The job remembers more than 1 MiB with ${quote(name)}. Store results elsewhere in the steps, and return their addresses.`,
    ),
  );
}
