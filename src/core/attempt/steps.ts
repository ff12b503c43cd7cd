import { Snooze } from "../job/define.ts";
import { ownError, permanent, StepError, withoutStack } from "../job/errors.ts";
import { describeError } from "../job/record.ts";
import type { SleepOptions, StepOptions, StepRun, StoredStep, WaitForOptions } from "../job/steps.ts";
import { eventName, failureOf, LARGEST_STEP, sleepOptions, stepName, stepOptions, waitOptions } from "../job/steps.ts";
import { type Duration, durationMs, LATEST_TIME_MS, pointInTimeMs } from "../shared/duration.ts";
import { conflict, invalidRequest, quote } from "../shared/errors.ts";
import { asJson } from "../shared/json.ts";
import { bytesOf } from "../shared/limits.ts";
import { MOST_EVENTS } from "../store/signals.ts";
import { isNamed } from "./outcome.ts";
import { keyOf, type RememberedSteps } from "./remembered-steps.ts";
import { notAlone, type RunningStep, runningStep, sameName, tooMuch } from "./running-step.ts";
import { giveTime, isAlive, type Leaving, type Saved, type StepHost, save } from "./step-host.ts";
import { settled } from "./step-saver.ts";

/** Code that awaits it goes no further, and is collected with it. So no `catch` can get in the way. */
const never = (): Promise<never> => new Promise(() => {});

/** The steps, sleeps and waits of one attempt, as `perform` calls them. */
export class Steps {
  readonly #host: StepHost;
  readonly #remembered: RememberedSteps;
  /** What `perform` has asked for, as `keyOf` names it. */
  readonly called = new Set<string>();
  readonly #running = new Set<RunningStep>();
  /** The stored steps that `perform` has called and not got yet. */
  readonly #asked: { readonly place: number; readonly resolve: () => void }[] = [];
  #begun = 0;
  /** How many sleeps have no name, and how often the job has waited for the same events. */
  readonly #counts = new Map<string, number>();
  /** Why the attempt ends before `perform` does. Only this class changes it. */
  leaving: Leaving | undefined;
  #hasEnded = false;
  #isRefused = false;
  #isClosed = false;
  /** The failures that `perform` has got, and after which it has not called anything yet. */
  #thrown: StoredStep[] = [];
  #whenIdle: (() => void)[] = [];
  #saving: Promise<Saved> | undefined;
  #nextSave: Promise<Saved> | undefined;

  constructor(host: StepHost, remembered: RememberedSteps) {
    this.#host = host;
    this.#remembered = remembered;
  }

  get areRunning(): boolean {
    return this.#running.size > 0;
  }

  /** Resolves when no step runs, or nothing need wait for those that do. */
  idle(): Promise<void> {
    return this.areRunning && !this.#isRefused
      ? new Promise((resolve) => void this.#whenIdle.push(resolve))
      : Promise.resolve();
  }

  timeOut(reason: Error): void {
    for (const step of this.#running) step.stop(reason);
  }

  close(): void {
    this.#isClosed = true;
  }

  end(reason: Error): void {
    this.#hasEnded = true;
    for (const step of this.#running) step.stop(reason);
  }

  async step(name: string, run: (step: StepRun) => unknown, given: StepOptions = {}): Promise<unknown> {
    stepName.read(name, "the name of a step");
    if (typeof run !== "function") throw invalidRequest(`The step ${quote(name)} needs a function that does its work.`);
    const options = { ...stepOptions.read(given) };
    if (!this.#enters(undefined, name)) return never();
    const known = this.#remembered.find(undefined, name);
    if (known) {
      await this.#turnOf(known);
      return this.#given(known);
    }
    if (!isAlive(this.#host)) return never();
    const { job, needs } = this.#host;
    const ownMs = options.timeout === undefined ? undefined : durationMs(options.timeout, "timeout");
    const timeoutMs = ownMs ?? job.timeoutMs;
    if (needs.hasTimeFor?.(timeoutMs, this.#begun === 0) === false) return this.#leave({ why: "outOfTime" });
    this.#begun++;
    const step = runningStep(this.#host, name, run, ownMs);
    this.#running.add(step);
    const ended = await this.#done(step, name, options).finally(() => this.#stopped(step));
    return ended ? this.#given(ended) : never();
  }

  /**
   * Resolves for stored steps in the order in which they ended, whatever `perform` calls first. So a race of steps
   * has the same winner in every attempt.
   */
  #turnOf(step: StoredStep): Promise<void> {
    if (this.#asked.length === 0) void this.#giveTurns();
    return new Promise((resolve) => void this.#asked.push({ place: this.#remembered.placeOf(step), resolve }));
  }

  async #giveTurns(): Promise<void> {
    do {
      // `perform` may call another step with the one that it has just got.
      await settled();
      const first = this.#asked.reduce((one, other) => (other.place < one.place ? other : one));
      this.#asked.splice(this.#asked.indexOf(first), 1);
      first.resolve();
    } while (this.#asked.length > 0);
  }

  #given(step: StoredStep): unknown {
    if (step.error) this.#thrown.push(step);
    return resultOf(step);
  }

  /**
   * `perform` calls something after failures that it has got: it continues, perhaps to undo what was done. It may be
   * about to end by them instead, beside a step that calls another one.
   */
  async #goOn(): Promise<void> {
    const failures = this.#thrown.splice(0);
    await settled();
    if (!this.#isClosed) for (const step of failures) this.#remembered.add({ ...step, isDealtWith: true });
  }

  /** Runs a step and stores its end. @returns undefined if `perform` must go no further. Never rejects. */
  async #done(running: RunningStep, name: string, options: StepOptions): Promise<StoredStep | undefined> {
    const { job, needs } = this.#host;
    const { attempt, maxRetries } = job;
    if (running.timeoutMs !== undefined && !this.#isStored(await giveTime(this.#host, running.timeoutMs)))
      return undefined;
    const begun = { name, at: needs.clock(), ...(attempt > 1 && { attempt }) };
    const run = () => running.result(attempt);
    let step: StoredStep;
    try {
      const result = await (needs.traces?.step({ ...job.info, step: name, stepAttempt: attempt }, run) ?? run());
      step = this.#withResult(begun, result);
    } catch (error) {
      if (this.#hasEnded) return undefined;
      const { name: of, message } = describeError(error);
      const isFinal = isNamed(error, "PermanentError") || attempt > (options.maxRetries ?? maxRetries);
      step = { ...begun, error: { name: of, message }, ...(isFinal && { endedAt: needs.clock() }) };
      if (!isFinal) {
        if (options.maxRetries !== undefined) step = { ...step, maxRetries: options.maxRetries };
        this.#remembered.add(step);
        this.#report(step);
        this.#fail(error, options);
        return undefined;
      }
    }
    if (this.#hasEnded) return undefined;
    if (!this.#remembered.hasRoomFor(step)) {
      this.#fail(tooMuch(name), {});
      return undefined;
    }
    this.#remembered.end(step, needs.clock());
    this.#report(step);
    return this.#isStored(await this.#save()) ? step : undefined;
  }

  #report(step: StoredStep): void {
    const { job, needs } = this.#host;
    needs.hooks?.stepped(job.info, step, needs.clock());
  }

  /** The step with its result. If that cannot be stored, neither another attempt nor `perform` can help. */
  #withResult(begun: StoredStep, value: unknown): StoredStep {
    const { name } = begun;
    if (value instanceof Snooze)
      throw permanent(`The step ${quote(name)} returned job.snooze. Return it from perform, or sleep.`);
    const result = jsonOf(value);
    const step = { ...begun, endedAt: this.#host.needs.clock(), ...(result !== undefined && { result }) };
    if (result === undefined || bytesOf(JSON.stringify(result)) <= LARGEST_STEP) return step;
    throw permanent(
      `The result of the step ${quote(name)} is larger than ${LARGEST_STEP / 1024} KiB as JSON. Store it elsewhere in the step, and return its address.`,
    );
  }

  #stopped(step: RunningStep): void {
    this.#running.delete(step);
    if (this.areRunning) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
    if (this.leaving) void this.#leaveWhenIdle();
  }

  async sleep(when: Duration | Date, given: SleepOptions = {}): Promise<void> {
    const { name = this.#counted("sleep") } = sleepOptions.read(given);
    const now = this.#host.needs.clock();
    const until = when instanceof Date ? pointInTimeMs(when, "sleep") : now + durationMs(when, "sleep");
    if (!this.#enters("sleep", name)) return never();
    if (until <= now || this.#remembered.find("sleep", name)) return;
    return this.#open({ name, kind: "sleep", at: now, until: Math.min(until, LATEST_TIME_MS) });
  }

  async waitFor(event: string | readonly string[], given: WaitForOptions): Promise<unknown> {
    const events = eventsOf(event);
    const { timeout } = waitOptions.read(given);
    const name = this.#counted(events.join(" or "));
    if (!this.#enters("wait", name)) return never();
    const known = this.#remembered.find("wait", name);
    if (known) return copyOf(known.result) ?? null;
    const now = this.#host.needs.clock();
    const until = Math.min(now + durationMs(timeout, "timeout"), LATEST_TIME_MS);
    return this.#open({ name, kind: "wait", at: now, until, events });
  }

  #counted(name: string): string {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  }

  #open(step: StoredStep): Promise<never> {
    if (!this.#remembered.hasRoomFor(step)) this.#fail(tooMuch(step.name), {});
    else this.#remembered.opened = step;
    return this.#leave({ why: "waits" });
  }

  /** Notes a call. @returns false if `perform` must go no further. @throws {TidegateError} if the attempt has ended. */
  #enters(kind: StoredStep["kind"], name: string): boolean {
    if (this.#hasEnded || this.#isClosed)
      throw conflict(`The attempt of job "${this.#host.job.lease.current.id}" has ended. Stop working.`);
    const opened = this.leaving?.why === "waits" ? this.#remembered.opened : undefined;
    if (opened || (kind && this.areRunning)) this.#refuse(notAlone(kind, name, opened));
    if (this.leaving) return false;
    const call = keyOf({ ...(kind && { kind }), name });
    if (this.called.has(call)) {
      this.#refuse(sameName(kind, name));
      return false;
    }
    this.called.add(call);
    if (this.#thrown.length > 0) void this.#goOn();
    return true;
  }

  #fail(error: unknown, options: StepOptions): void {
    if (this.leaving?.why !== "failed") this.leaving = { why: "failed", error, options };
    void this.#leaveWhenIdle();
  }

  /** The steps are used wrongly: the job is dead. What runs may wait for what was refused, so nothing waits for it. */
  #refuse(error: Error): void {
    this.#isRefused = true;
    this.#fail(error, {});
    void settled().then(() => this.#host.leave());
  }

  #leave(leaving: Leaving): Promise<never> {
    this.leaving ??= leaving;
    void this.#leaveWhenIdle();
    return never();
  }

  async #leaveWhenIdle(): Promise<void> {
    await settled();
    if (!this.areRunning && !this.#hasEnded) this.#host.leave();
  }

  #isStored(saved: Saved): boolean {
    if (saved === "later") this.leaving ??= { why: "outOfTime" };
    return saved === "saved";
  }

  /** Stores what has ended, with all that ends in the same turn or while a request is under way. */
  #save(): Promise<Saved> {
    this.#nextSave ??= (async () => {
      await this.#saving;
      await settled();
      this.#nextSave = undefined;
      this.#saving = save(this.#host);
      return this.#saving;
    })();
    return this.#nextSave;
  }
}

function jsonOf(value: unknown): unknown {
  try {
    return asJson(value, "result");
  } catch (error) {
    throw permanent(describeError(error).message);
  }
}

function eventsOf(event: string | readonly string[]): readonly string[] {
  const events = typeof event === "string" ? [event] : event;
  if (!Array.isArray(events) || events.length === 0 || events.length > MOST_EVENTS)
    throw invalidRequest(`waitFor takes the name of a signal, or an array of 1 to ${MOST_EVENTS} of them.`);
  for (const each of events) eventName.read(each, "the name of a signal");
  return [...new Set(events)];
}

function resultOf({ name, result = null, error }: StoredStep): unknown {
  if (error) {
    const cause = ownError(error.name, error.message);
    throw withoutStack(new StepError(`${failureOf(name)} ${error.name}: ${error.message}`, { cause }));
  }
  return copyOf(result);
}

/** `perform` may change what it gets: what is stored stays. */
function copyOf(result: unknown): unknown {
  return result === undefined ? undefined : JSON.parse(JSON.stringify(result));
}
