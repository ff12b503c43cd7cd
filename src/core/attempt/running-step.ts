import { permanent, TimeoutError, withoutStack } from "../job/errors.ts";
import type { StepRun, StoredStep } from "../job/steps.ts";
import { alarm } from "../shared/clock.ts";
import { quote } from "../shared/errors.ts";
import type { StepHost } from "./step-host.ts";

export class RunningStep {
  readonly #host: StepHost;
  readonly #name: string;
  readonly #run: (step: StepRun) => unknown;
  /** Its own timeout. Default: it takes as long as the attempt of the job may. */
  readonly timeoutMs: number | undefined;
  // Created only for a step that reads its signal.
  #abort: AbortController | undefined;
  #stopped: Error | undefined;
  #reject: (reason: Error) => void = () => {};

  constructor(host: StepHost, name: string, run: (step: StepRun) => unknown, timeoutMs: number | undefined) {
    this.#host = host;
    this.#name = name;
    this.#run = run;
    this.timeoutMs = timeoutMs;
  }

  /** Calls the function of the step. Rejects with what it throws, or why it was stopped. */
  async result(attempt: number): Promise<unknown> {
    const { timeoutMs } = this;
    const late = () => this.stop(tooLate(this.#name, timeoutMs));
    const cancel = timeoutMs === undefined ? undefined : alarm(this.#host.needs.clock, timeoutMs, late);
    try {
      return await new Promise((resolve, reject) => {
        this.#reject = reject;
        if (this.#stopped) return reject(this.#stopped);
        Promise.resolve(this.#run(this.#context(attempt))).then(resolve, reject);
      });
    } finally {
      cancel?.();
    }
  }

  stop(reason: Error): void {
    this.#stopped ??= reason;
    this.#abort?.abort(this.#stopped);
    this.#reject(this.#stopped);
  }

  #context(attempt: number): StepRun {
    const signalOf = () => this.#signal;
    return {
      key: `${this.#host.job.lease.current.id}/${this.#name}`,
      attempt,
      get signal() {
        return signalOf();
      },
    };
  }

  get #signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#stopped) this.#abort.abort(this.#stopped);
    return this.#abort.signal;
  }
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
