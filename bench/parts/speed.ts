import { figureOf } from "../figures.ts";
import { type Bench, type Contestant, contestants, count, drains, figuresOf, forEach } from "../part.ts";
import { perSecond, type Run, repeated } from "../stage.ts";

const SMALL = 1_000;
const LARGE = 100_000;
const MILLION = 1_000_000;
const MILLION_PART = 50_000;
const ENQUEUED = 20_000;
const ENQUEUED_SINGLY = 2_000;

/** How jobs are drained. Batches are Tidegate's: the others take jobs one by one. */
interface Way {
  readonly name: string;
  readonly batchSize: number;
  readonly concurrency: number;
  /** The concurrency of the others, if it differs. */
  readonly othersConcurrency?: number;
}

const alike = (batchSize: number, concurrency: number): Way => ({
  name: `batch ${count(batchSize)}, concurrency ${concurrency}`,
  batchSize,
  concurrency,
});

const ways: readonly Way[] = [
  // The defaults of each: Bee-Queue's and BullMQ's concurrency is 1.
  { ...alike(100, 10), name: "as each comes", othersConcurrency: 1 },
  alike(100, 10),
  alike(1_000, 100),
];

function settingsOf({ batchSize, concurrency, othersConcurrency = concurrency }: Way, system: Contestant) {
  return { batchSize, concurrency: system.startsWith("tidegate") ? concurrency : othersConcurrency };
}

/** Enqueue and drain speed with empty jobs, at several lengths of the backlog, by one process each. */
export async function speed(bench: Bench): Promise<void> {
  await warmUp(bench);
  await enqueueing(bench);
  await draining(bench, SMALL);
  await draining(bench, bench.effort.of(LARGE));
  if (bench.effort.isMillion) await million(bench);
}

/** Warms up the compiler for each kind of work before any is measured. */
export async function warmUp({ stage, progress }: Bench): Promise<void> {
  progress("warming up");
  for (const system of contestants) {
    await stage.clear();
    await stage.run({ system, action: "enqueue", jobs: 10_000, batchSize: 1_000 });
    await stage.run({ system, action: "drain", jobs: 10_000, batchSize: 100 });
  }
}

async function enqueueing({ stage, effort, progress, add }: Bench): Promise<void> {
  for (const batchSize of [1, 100, 1_000]) {
    const name = batchSize === 1 ? "enqueue one at a time" : `enqueue, batches of ${count(batchSize)}`;
    const runs = await forEach(contestants, (system) => {
      progress(`${name}, ${system}`);
      return repeated(effort.runs, async () => {
        await stage.clear();
        const jobs = effort.of(batchSize === 1 ? ENQUEUED_SINGLY : ENQUEUED);
        return stage.run({ system, action: "enqueue", jobs, batchSize });
      });
    });
    add({ what: name, unit: "jobs a second", figures: figuresOf(runs, perSecond) });
    addCpu(add, name, runs);
  }
}

async function draining(bench: Bench, waiting: number): Promise<void> {
  for (const way of ways) {
    const runs = await forEach(contestants, (system) => {
      bench.progress(`${nameOf(waiting, way)}, ${system}`);
      return drains(
        bench,
        { system, jobs: waiting, ...settingsOf(way, system) },
        waiting === SMALL ? 2 * bench.effort.runs : bench.effort.longRuns,
      );
    });
    addDrain(bench.add, waiting, way, runs);
  }
}

/** A million jobs are stored once for each kind of record, and drained in part, repeatedly. */
async function million(bench: Bench): Promise<void> {
  const { stage, effort, progress, add } = bench;
  const filled = new Map<Contestant, readonly Run[]>();
  const drained = new Map<Way, Map<Contestant, readonly Run[]>>(ways.map((way) => [way, new Map()]));
  for (const system of contestants) {
    progress(`enqueue ${count(MILLION)}, ${system}`);
    await stage.clear();
    filled.set(system, [await stage.run({ system, action: "enqueue", jobs: MILLION, batchSize: 1_000 })]);
    for (const way of ways) {
      progress(`${nameOf(MILLION, way)}, ${system}`);
      const drain = () => stage.run({ system, action: "drain", jobs: MILLION_PART, ...settingsOf(way, system) });
      drained.get(way)?.set(system, await repeated(effort.longRuns, drain));
    }
  }
  add({
    what: `enqueue ${count(MILLION)}, batches of 1,000`,
    unit: "jobs a second",
    figures: figuresOf(filled, perSecond),
  });
  for (const [way, runs] of drained) addDrain(add, MILLION, way, runs);
}

function nameOf(waiting: number, { name }: Way): string {
  return `drain ${count(waiting)}, ${name}`;
}

type Runs = ReadonlyMap<Contestant, readonly Run[]>;

function addDrain(add: Bench["add"], waiting: number, way: Way, runs: Runs): void {
  const what = nameOf(waiting, way);
  const ratio = (system: Contestant) => {
    const median = (of: Contestant) => figureOf((runs.get(of) ?? []).map(perSecond)).median;
    return (median(system) / median("bullmq")).toFixed(1);
  };
  add({
    what,
    unit: "jobs a second",
    figures: figuresOf(runs, perSecond),
    remark: `${ratio("tidegate")} x BullMQ, over TCP ${ratio("tidegate-tcp")} x`,
  });
  add({ what, unit: "commands a job", figures: figuresOf(runs, ({ commands, jobs }) => commands / jobs) });
  const overHttp = [...runs].filter(([system]) => system === "tidegate");
  add({ what, unit: "HTTP requests a job", figures: figuresOf(overHttp, ({ requests, jobs }) => requests / jobs) });
  add({ what, unit: "ms a round trip", figures: figuresOf(overHttp, ({ ms, requests }) => ms / requests) });
  addCpu(add, what, runs);
}

function addCpu(add: Bench["add"], what: string, runs: Runs): void {
  const perJob = (process: "workers" | "redis") => figuresOf(runs, ({ cpu, jobs }) => (cpu[process] / jobs) * 1_000);
  add({ what, unit: "CPU of the process, us a job", figures: perJob("workers") });
  add({ what, unit: "CPU of Redis, us a job", figures: perJob("redis") });
}
