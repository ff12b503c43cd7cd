import { defineJob, type JobContext, Queue, StepError, type Store, TidegateError } from "../../src/index.ts";
import { aroundStore } from "./around-calls.ts";
import { clockByHand, start } from "./clock.ts";
import { chosen } from "./random.ts";

// Random jobs of steps, sleeps and waits. Their invocations die at any call of the store and within any step, calls of
// the store are lost, unanswered or doubled, and signals come early, in time and late.

/** What a job does, one thing after the other. */
type Part =
  /** Steps in parallel, some of which fail so often before they succeed. */
  | { readonly kind: "steps"; readonly names: readonly string[]; readonly failures: readonly number[] }
  /** A step that fails for good. */
  | { readonly kind: "broken"; readonly name: string }
  | { readonly kind: "sleep"; readonly ms: number }
  /** A wait for a signal that surely comes, for one that may come too late, or for one that never comes. */
  | {
      readonly kind: "wait";
      readonly events: readonly string[];
      readonly ms: number;
      readonly gets: "surely" | "maybe" | "never";
    };

export interface SteppedFigures {
  jobs: number;
  invocations: number;
  /** Those that have died. */
  killed: number;
  /** Calls of the store that were lost, unanswered or doubled. */
  faults: number;
  stepsRun: number;
  signals: number;
  timeouts: number;
}

export const noSteppedFigures = (): SteppedFigures => ({
  ...{ jobs: 0, invocations: 0, killed: 0, faults: 0, stepsRun: 0, signals: 0, timeouts: 0 },
});

const SURELY_MS = 300 * 86_400_000;
const durations = [500, 20_000, 600_000, 3_600_000] as const;

function planOf(job: number, random: () => number): readonly Part[] {
  const count = (most: number) => 1 + Math.floor(random() * most);
  return Array.from({ length: count(6) }, (_, at): Part => {
    const lot = random();
    if (lot < 0.45) {
      const names = Array.from({ length: count(3) }, (_, index) => `step-${at}-${index}`);
      return { kind: "steps", names, failures: names.map(() => (random() < 0.25 ? count(2) : 0)) };
    }
    if (lot < 0.5) return { kind: "broken", name: `broken-${at}` };
    if (lot < 0.7) return { kind: "sleep", ms: chosen(durations, random) };
    const event = random() < 0.3 ? `job-${job}` : `job-${job}-${at}`;
    if (lot < 0.85) return { kind: "wait", events: [event], ms: SURELY_MS, gets: "surely" };
    if (lot < 0.95)
      return { kind: "wait", events: [`late-${job}-${at}`, `other-${job}-${at}`], ms: 600_000, gets: "maybe" };
    return { kind: "wait", events: [`never-${job}-${at}`], ms: 30_000, gets: "never" };
  });
}

/** What jobs have seen. Whatever contradicts it later is a breach. */
class Witness {
  readonly breaches: string[] = [];
  readonly figures: SteppedFigures;
  readonly #returned = new Map<string, string>();
  readonly #runs = new Map<string, number>();

  constructor(figures: SteppedFigures) {
    this.figures = figures;
  }

  /** A step is about to run. @returns how often it has run before */
  runs(step: string): number {
    if (this.#returned.has(step)) this.breaches.push(`${step} runs again after it was stored`);
    const before = this.#runs.get(step) ?? 0;
    this.#runs.set(step, before + 1);
    this.figures.stepsRun++;
    return before;
  }

  /** A step, a sleep or a wait has returned this to a handler. */
  returned(what: string, value: unknown): void {
    const text = JSON.stringify(value) ?? "undefined";
    const before = this.#returned.get(what);
    if (before !== undefined && before !== text) this.breaches.push(`${what} returned ${before}, then ${text}`);
    this.#returned.set(what, text);
  }

  /** What it has returned; undefined if it has not. */
  of(what: string): unknown {
    const text = this.#returned.get(what);
    return text === undefined || text === "undefined" ? text : JSON.parse(text);
  }
}

/** One invocation, until it dies. */
interface Life {
  isOver: boolean;
  /** After how many calls of the store, or steps, it dies, and whether the call still takes effect. */
  left: number;
  readonly takesEffect: boolean;
  readonly end: () => void;
  readonly ended: Promise<void>;
}

function lifeOf(left: number, takesEffect: boolean): Life {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const life: Life = {
    isOver: false,
    left,
    takesEffect,
    ended,
    end: () => {
      life.isOver = true;
      end();
    },
  };
  return life;
}

const forever = () => new Promise<never>(() => {});

/**
 * Runs some random jobs to their ends.
 *
 * @param store a new store.
 * @returns what contradicts the promises; empty if nothing does.
 */
export async function runSteppedJobs(
  store: Store,
  random: () => number,
  figures: SteppedFigures,
  hasKeys = false,
): Promise<readonly string[]> {
  const clock = clockByHand(start);
  const witness = new Witness(figures);
  const plans = new Map<string, readonly Part[]>();
  const isLucky = (share: number) => random() < share;
  for (let job = 0; job < 1 + Math.floor(random() * 3); job++) plans.set(`job-${job}`, planOf(job, random));
  let areFaulty = true;

  const faulty = (life: Life) =>
    aroundStore(store, async ({ method }, run) => {
      if (life.isOver) return forever();
      if (areFaulty && --life.left <= 0) {
        if (life.takesEffect) await run();
        life.end();
        return forever();
      }
      const lot = areFaulty ? random() : 1;
      if (lot < 0.12) figures.faults++;
      if (lot < 0.04) throw new TidegateError("store_unavailable", "The request is lost.");
      // A claim that arrives twice leases jobs of which nobody knows: their leases run out.
      if (lot < 0.08 && method !== "exchange") await run();
      const reply = await run();
      if (lot >= 0.08 && lot < 0.12) throw new TidegateError("store_unavailable", "The reply is lost.");
      return reply;
    });

  const queueIn = (life: Life) => {
    const perform = async (_: undefined, job: JobContext) => {
      if (life.isOver) return forever();
      return performAll(plans.get(job.id) ?? [], job, { witness, clock, life, isLucky });
    };
    const flowControl = hasKeys ? { flowControl: { key: "all", concurrency: 2 } } : {};
    const work = defineJob({
      name: "work",
      maxRetries: 500,
      backoff: { type: "fixed", base: "5s" },
      ...flowControl,
      perform,
    });
    return { work, queue: new Queue({ store: faulty(life), clock, jobs: [work], logger: null, retention: "1000d" }) };
  };

  const surely = async (act: () => Promise<unknown>) => {
    for (;;) {
      const done = await act().then(
        () => true,
        (error: unknown) => {
          if (error instanceof TidegateError && error.code === "store_unavailable") return false;
          throw error;
        },
      );
      if (done) return;
    }
  };

  const client = lifeOf(Number.POSITIVE_INFINITY, false);
  const { work, queue } = queueIn(client);
  for (const id of plans.keys()) await surely(() => queue.enqueue(work, undefined, { id }));
  figures.jobs += plans.size;
  const signals = signalsOf(plans, isLucky);
  const reader = new Queue({ store, clock, jobs: [work], logger: null });

  for (let round = 0; round < 600; round++) {
    if (round === 300) areFaulty = false;
    const due = signals.filter(() => isLucky(0.15) || round > 250);
    for (const signal of due) {
      await surely(() => queue.signal(signal.event, signal.data, { id: signal.data, keep: "900d" }));
      figures.signals++;
      // Some are sent again, although they were acknowledged.
      if (!isLucky(0.2) || round > 250) signals.splice(signals.indexOf(signal), 1);
    }
    const life = lifeOf(areFaulty ? 2 + Math.floor(random() * 10) : Number.POSITIVE_INFINITY, isLucky(0.5));
    figures.invocations++;
    const drained = queueIn(life)
      .queue.drain({ concurrency: 3 })
      .catch(() => {});
    await Promise.race([drained, life.ended]);
    if (life.isOver) figures.killed++;
    life.isOver = true;
    const { pendingCount, runningCount, nextRunAt } = await reader.getStats();
    if (pendingCount + runningCount === 0) break;
    const next = nextRunAt?.getTime() ?? clock.now;
    clock.now += isLucky(0.5) || next <= clock.now ? 10_000 : Math.min(next - clock.now, SURELY_MS / 100);
    if (round === 599) witness.breaches.push("not all jobs have ended");
  }

  for (const [id, parts] of plans) {
    const job = await reader.getJob(id);
    if (job?.state !== "completed") witness.breaches.push(`${id} is ${job?.state}: ${job?.error?.message}`);
    parts.forEach((part, at) => {
      if (part.kind !== "wait") return;
      const got = witness.of(`${id} part ${at}`) as string | null | undefined;
      if (got === null) figures.timeouts++;
      if (part.gets === "surely" && typeof got !== "string") witness.breaches.push(`${id} never got ${part.events}`);
      if (part.gets === "never" && got !== null) witness.breaches.push(`${id} got ${got} of ${part.events}`);
    });
  }
  const received = [...plans].flatMap(([id, parts]) => parts.flatMap((_, at) => witness.of(`${id} part ${at}`) ?? []));
  const texts = received.filter((value) => String(value).startsWith("signal of "));
  if (new Set(texts).size < texts.length) witness.breaches.push(`a signal was received twice: ${texts.sort()}`);
  return witness.breaches;
}

interface Stage {
  readonly witness: Witness;
  readonly clock: { readonly now: number };
  readonly life: Life;
  readonly isLucky: (share: number) => boolean;
}

async function performAll(parts: readonly Part[], job: JobContext, stage: Stage): Promise<void> {
  const { witness, clock } = stage;
  for (const [at, part] of parts.entries()) {
    const what = `${job.id} part ${at}`;
    if (part.kind === "steps") {
      const values = await Promise.all(
        part.names.map((name, index) => takeStep(name, part.failures[index] ?? 0, job, stage)),
      );
      witness.returned(what, values);
    } else if (part.kind === "broken") {
      const failed = await job
        .step(part.name, () => Promise.reject(new Error("no luck")), { maxRetries: 1, backoff: { base: 0 } })
        .catch((error: unknown) => error);
      if (!(failed instanceof StepError)) witness.breaches.push(`${what} threw ${failed}`);
      witness.returned(what, `${failed}`);
    } else if (part.kind === "sleep") {
      const since = witness.of(`${what} began`) as number | undefined;
      if (since === undefined) witness.returned(`${what} began`, clock.now);
      await job.sleep(part.ms);
      if (clock.now < (since ?? clock.now) + part.ms) witness.breaches.push(`${what} slept too short`);
      witness.returned(what, "slept");
    } else {
      witness.returned(what, await job.waitFor<string>(part.events, { timeout: part.ms }));
    }
  }
}

async function takeStep(
  name: string,
  failures: number,
  job: JobContext,
  { witness, life, isLucky }: Stage,
): Promise<unknown> {
  const step = `${job.id} ${name}`;
  const value = await job.step(name, async () => {
    if (life.isOver) return forever();
    const before = witness.runs(step);
    await new Promise((resolve) => setImmediate(resolve));
    if (isLucky(0.03)) life.end();
    if (life.isOver) return forever();
    if (before < failures) throw new Error("no luck");
    return { step, run: before };
  });
  witness.returned(step, value);
  return value;
}

/** The signals to send: each with data of its own. */
function signalsOf(plans: ReadonlyMap<string, readonly Part[]>, isLucky: (share: number) => boolean) {
  return [...plans].flatMap(([id, parts]) =>
    parts.flatMap((part, at) => {
      if (part.kind !== "wait" || part.gets === "never") return [];
      const [first = "", second = first] = part.events;
      return [{ event: isLucky(0.5) ? first : second, data: `signal of ${id} ${at}` }];
    }),
  );
}
