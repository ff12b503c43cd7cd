import type { JobRecord } from "../core/job/record.ts";
import type { StoredStep } from "../core/job/steps.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import { asJson } from "../core/shared/json.ts";
import { checkObject } from "../core/shared/validate.ts";

/** What `performJob` takes as given of the steps, sleeps and waits of a job. */
export interface EarlierSteps {
  /**
   * The results of earlier steps, by their names: these do not run. An `Error` stands for a step that has failed for
   * good. Default: all run.
   */
  readonly steps?: Readonly<Record<string, unknown>> | undefined;
  /**
   * What `job.waitFor` receives, by the name of the signal, or of the wait, such as "reply-42 (2)" for the second wait
   * for "reply-42". Null: none comes, and the wait times out. Default: the job leaves, and waits.
   */
  readonly signals?: Readonly<Record<string, unknown>> | undefined;
  /** Whether `job.sleep` returns. Default false: the job leaves, and sleeps. */
  readonly skipSleeps?: boolean | undefined;
}

export const earlierStepsNames = ["steps", "signals", "skipSleeps"];

/** How often a job may leave within one `performJob`: more count as an endless loop. */
const MOST_LEAVES = 100;

/** Answers the sleeps and waits of a job that is performed. */
export class Earlier {
  readonly #steps: Readonly<Record<string, unknown>>;
  readonly #signals: ReadonlyMap<string, unknown>;
  readonly #skipsSleeps: boolean;
  #leaves = 0;

  constructor({ steps = {}, signals = {}, skipSleeps = false }: EarlierSteps) {
    checkObject(steps, 'steps must be an object: the results of earlier steps, as in { steps: { draft: "Hello" } }.');
    checkObject(signals, "signals must be an object: data by the names of signals, null for a wait that times out.");
    if (typeof skipSleeps !== "boolean") throw invalidRequest("skipSleeps must be true or false.");
    this.#steps = steps;
    this.#signals = new Map(Object.entries(signals).map(([name, data]) => [name, asJson(data, "data") ?? null]));
    this.#skipsSleeps = skipSleeps;
  }

  /** The earlier steps, as a record holds them. @param now when they ended. */
  stored(now: number): readonly StoredStep[] {
    return Object.entries(this.#steps).map(([name, value]) => {
      const step = { name, at: now, endedAt: now };
      if (value instanceof Error) return { ...step, error: { name: value.name, message: value.message } };
      const result = asJson(value, "result");
      return result === undefined ? step : { ...step, result };
    });
  }

  /** Whether a step was given, and has not run. */
  has({ kind, name }: StoredStep): boolean {
    return kind === undefined && Object.hasOwn(this.#steps, name);
  }

  /**
   * The record of a job that has left, as its next attempt gets it: its sleep is over, or its signal has come.
   *
   * @param open what it sleeps or waits for.
   * @returns undefined if it is to stay away.
   * @throws {TidegateError} `invalid_request` if the job leaves again and again.
   */
  continued({ waits: _, ...left }: JobRecord, open: StoredStep): JobRecord | undefined {
    const event = open.events && this.#eventOf(open.name, open.events);
    if (open.events ? event === undefined : !this.#skipsSleeps) return undefined;
    if (++this.#leaves > MOST_LEAVES)
      throw invalidRequest(
        `The job has slept or waited more than ${MOST_LEAVES} times: does it loop forever? Leave out skipSleeps, use drainAll, or let a wait time out, as in { signals: { "reply-42": data, "reply-42 (2)": null } }.`,
      );
    const data = event === undefined ? null : this.#signals.get(event);
    return { ...left, returned: 0, ...(event !== undefined && data !== null && { signal: { id: "", event, data } }) };
  }

  /** The signal that a wait receives, or one that does not come; undefined if nothing is said of it. */
  #eventOf(wait: string, events: readonly string[]): string | undefined {
    if (this.#signals.has(wait)) return wait;
    const known = events.filter((each) => this.#signals.has(each));
    return known.find((each) => this.#signals.get(each) !== null) ?? known[0];
  }
}
