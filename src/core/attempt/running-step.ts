import { permanent, TimeoutError, withoutStack } from "../job/errors.ts";
import type { StepRun, StoredStep } from "../job/steps.ts";
import { alarm } from "../shared/clock.ts";
import { quote } from "../shared/errors.ts";
import type { StepHost } from "./step-host.ts";

export type RunningStep = ReturnType<typeof runningStep>;

/** @param timeoutMs its own timeout. Default: it takes as long as the attempt of the job may. */
export function runningStep(
  { job, needs }: StepHost,
  name: string,
  run: (step: StepRun) => unknown,
  timeoutMs: number | undefined,
) {
  // Created only for a step that reads its signal.
  let abort: AbortController | undefined;
  let stopped: Error | undefined;
  let interrupt: (reason: Error) => void = () => {};
  const stop = (reason: Error): void => {
    stopped ??= reason;
    abort?.abort(stopped);
    interrupt(stopped);
  };
  return {
    timeoutMs,
    stop,
    /** Calls the function of the step. Rejects with what it throws, or why it was stopped. */
    async result(attempt: number): Promise<unknown> {
      const late = () => stop(tooLate(name, timeoutMs));
      const cancel = timeoutMs === undefined ? undefined : alarm(needs.clock, timeoutMs, late);
      const step: StepRun = {
        key: `${job.lease.current.id}/${name}`,
        attempt,
        get signal() {
          abort ??= new AbortController();
          if (stopped) abort.abort(stopped);
          return abort.signal;
        },
      };
      try {
        return await new Promise((resolve, reject) => {
          interrupt = reject;
          if (stopped) return reject(stopped);
          Promise.resolve(run(step)).then(resolve, reject);
        });
      } finally {
        cancel?.();
      }
    },
  };
}

function tooLate(name: string, timeoutMs: number | undefined): Error {
  return withoutStack(new TimeoutError(`The step ${quote(name)} took longer than its timeout of ${timeoutMs} ms.`));
}

// Steps that are used wrongly: no other attempt can help, so the job is dead.

export function sameName(kind: StoredStep["kind"], name: string): Error {
  const what = kind === "sleep" ? "sleeps" : "steps";
  return permanent(
    `Two ${what} of the job are named ${quote(name)}. Give each a name of its own, such as \`${name}-\${index}\` in a loop.`,
  );
}

export function notAlone(kind: StoredStep["kind"], name: string, opened: StoredStep | undefined): Error {
  const calls = { step: "job.step", sleep: "job.sleep", wait: "job.waitFor" };
  const call = calls[kind ?? "step"];
  const other = opened ? calls[opened.kind ?? "step"] : "a step that runs";
  return permanent(
    `${call} (${name}) was called beside ${other}. Await a sleep or a wait alone: only steps can run in parallel.`,
  );
}

export function tooMuch(name: string): Error {
  return permanent(
    `The job remembers more than 1 MiB with ${quote(name)}. Store results elsewhere in the steps, and return their addresses.`,
  );
}
