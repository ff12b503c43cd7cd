import { figureOf } from "../figures.ts";
import { type Bench, count, drained, figuresOf } from "../part.ts";
import { perSecond, type Run, repeated, type Worker } from "../stage.ts";
import type { Task } from "../task.ts";

/** How long a reply of Redis is on its way, in ms. */
export const DISTANCES = [0, 2, 10, 40];
const CONCURRENCY = 100;
const EMPTY_JOBS = 20_000;
/**
 * How long the runs take that show how busy slots are, when all of them are: so long, and so many jobs a slot at least.
 */
const BUSY_RUN_MS = 3_000;
const JOBS_A_SLOT = 30;
const WHOLE_RUN = { jobs: 8_000, jobMs: 20 };
/** Ten keys, each with as many jobs. A slot of a key is busy if one of its jobs runs. */
const KEYED = { jobs: 2_000, jobMs: 20, limitedKeys: 10 };
const SHARED = { jobs: 200, jobMs: 500, concurrency: 10 };

/** What a Redis far away costs, over TCP, where a proxy holds back its replies. */
export async function distance(bench: Bench): Promise<void> {
  for (const ms of DISTANCES) {
    const [worker, other] = (await bench.stage.distantWorkers(2, ms)) as [Worker, Worker];
    // Lets the compiler see the work before any is measured.
    for (const system of ["tidegate-tcp", "bullmq"] as const)
      await drainedFrom(bench, ms, [worker], { system, jobs: 5_000 });
    await empty(bench, ms, worker);
    for (const jobMs of [5, 20, 200])
      for (const concurrency of [10, CONCURRENCY]) await busy(bench, ms, worker, jobMs, concurrency);
    await wholeRun(bench, ms, worker);
    for (const slotsOfKey of [1, 2]) await keyed(bench, ms, worker, slotsOfKey);
    await shared(bench, ms, [worker, other]);
  }
}

export const away = (ms: number) => `Redis ${ms} ms away`;

type Drained = Pick<Task, "system" | "jobs"> & Partial<Task>;

async function drainedFrom(bench: Bench, ms: number, workers: readonly Worker[], task: Drained): Promise<Run> {
  bench.progress(`${away(ms)}, ${task.system}, ${count(task.jobs)} jobs of ${task.jobMs ?? 0} ms`);
  return drained(bench, { concurrency: CONCURRENCY, ...task }, workers);
}

async function empty(bench: Bench, ms: number, worker: Worker): Promise<void> {
  const { effort } = bench;
  const columns = new Map<string, readonly Run[]>();
  for (const system of ["tidegate-tcp", "bullmq"] as const) {
    // BullMQ takes minutes for as many jobs when Redis is far.
    const jobs = effort.of(system === "bullmq" && ms > 2 ? EMPTY_JOBS / 4 : EMPTY_JOBS);
    columns.set(system, await repeated(effort.longRuns, () => drainedFrom(bench, ms, [worker], { system, jobs })));
  }
  bench.add({
    what: `empty jobs, ${away(ms)}`,
    unit: "jobs a second",
    figures: figuresOf(columns, perSecond),
    remark: `${times(columns)} x BullMQ`,
  });
}

function times(columns: ReadonlyMap<string, readonly Run[]>): string {
  const median = (system: string) => figureOf((columns.get(system) ?? []).map(perSecond)).median;
  return (median("tidegate-tcp") / median("bullmq")).toFixed(1);
}

async function busy(bench: Bench, ms: number, worker: Worker, jobMs: number, concurrency: number): Promise<void> {
  const jobs = concurrency * Math.max(BUSY_RUN_MS / jobMs, JOBS_A_SLOT);
  const task = { system: "tidegate-tcp", jobs, jobMs, concurrency } as const;
  const runs = await repeated(bench.effort.longRuns, () => drainedFrom(bench, ms, [worker], task));
  addBusy(bench, `jobs of ${jobMs} ms in ${concurrency} slots, ${away(ms)}`, runs, "steady");
}

async function wholeRun(bench: Bench, ms: number, worker: Worker): Promise<void> {
  const task = { system: "tidegate-tcp", ...WHOLE_RUN } as const;
  const runs = await repeated(bench.effort.longRuns, () => drainedFrom(bench, ms, [worker], task));
  addBusy(
    bench,
    `the whole run of ${count(task.jobs)} jobs of ${task.jobMs} ms in ${CONCURRENCY} slots, ${away(ms)}`,
    runs,
    "whole",
  );
}

async function keyed(bench: Bench, ms: number, worker: Worker, slotsOfKey: number): Promise<void> {
  const concurrency = KEYED.limitedKeys * slotsOfKey;
  const task = { system: "tidegate-tcp", ...KEYED, slotsOfKey, concurrency } as const;
  const runs = await repeated(bench.effort.longRuns, () => drainedFrom(bench, ms, [worker], task));
  const what = `jobs of ${KEYED.jobMs} ms of ${KEYED.limitedKeys} keys, ${slotsOfKey} at once each, ${away(ms)}`;
  addBusy(bench, what, runs, "steady");
}

function addBusy(bench: Bench, what: string, runs: readonly Run[], of: "steady" | "whole"): void {
  const percent = runs.flatMap((run) => run.busy.map((share) => 100 * share[of]));
  const commands = figureOf(runs.map((run) => run.commands / run.jobs)).median;
  bench.add({
    what,
    unit: "% of slots busy",
    figures: { "tidegate-tcp": figureOf(percent) },
    remark: `${commands.toFixed(2)} commands a job`,
  });
}

/** Two drains on one backlog: what the one with fewer jobs gets of them. */
async function shared(bench: Bench, ms: number, workers: readonly Worker[]): Promise<void> {
  const task = { system: "tidegate-tcp", ...SHARED } as const;
  const runs = await repeated(bench.effort.longRuns, () => drainedFrom(bench, ms, workers, task));
  const ideal = (SHARED.jobs * SHARED.jobMs) / (SHARED.concurrency * workers.length);
  bench.add({
    what: `two drains share ${SHARED.jobs} jobs of ${SHARED.jobMs} ms, ${away(ms)}`,
    unit: "x the ideal time",
    figures: { "tidegate-tcp": figureOf(runs.map((run) => run.ms / ideal)) },
  });
}
