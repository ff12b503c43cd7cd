import { figureOf } from "../figures.ts";
import { type Bench, count } from "../part.ts";
import { perSecond, type Run, repeated, type Stage } from "../stage.ts";
import { sum, type Task } from "../task.ts";

const WAITING = 60_000;
const PROCESSES = [1, 2, 4, 8];
const LATENCY_MS = 20;

/** Concurrent drains, each in its own process: without delay, and with a distant Redis. */
export async function parallel(bench: Bench): Promise<void> {
  for (const batchSize of [100, 1_000]) {
    for (const processes of PROCESSES) await measure(bench, processes, { batchSize });
  }
  await measure(bench, 1, { batchSize: 1_000, retention: "0s" });
  for (const batchSize of [100, 1_000]) {
    for (const processes of PROCESSES) await measure(bench, processes, { batchSize, latencyMs: LATENCY_MS });
    await measure(bench, 1, { batchSize, latencyMs: LATENCY_MS, drains: 4 });
  }
}

async function measure(bench: Bench, processes: number, options: Partial<Task>): Promise<void> {
  const { batchSize = 100, latencyMs = 0, retention, drains = 1 } = options;
  const what = [
    drains > 1 ? `${drains} drains in one process` : `${processes} ${processes === 1 ? "drain" : "drains"}`,
    `batch ${count(batchSize)}`,
    ...(latencyMs > 0 ? [`${latencyMs} ms added`] : []),
    ...(retention ? ["nothing retained"] : []),
  ].join(", ");
  bench.progress(what);
  const { stage, effort } = bench;
  const runs = await repeated(effort.longRuns, () => together(stage, processes, effort.of(WAITING), options));
  const figures = { tidegate: figureOf(runs.map(perSecond)) };
  bench.add({ what, unit: "jobs a second", figures, remark: business(runs) });
}

async function together(stage: Stage, processes: number, waiting: number, options: Partial<Task>): Promise<Run> {
  await stage.clear();
  const workers = Array.from({ length: processes }, (_, index) => stage.worker(index));
  await stage.run({ system: "tidegate", action: "enqueue", jobs: waiting, ...options, batchSize: 500, latencyMs: 0 });
  const run = await stage.run({ system: "tidegate", action: "drain", jobs: waiting, ...options }, workers);
  if (run.jobs !== waiting) throw new Error(`${waiting} jobs were waiting, and ${run.jobs} were done.`);
  return run;
}

/** How busy each kind of process was, in percent of one core. */
export function business(runs: readonly Run[]): string {
  const ms = sum(runs.map((run) => run.ms));
  const percent = (of: keyof Run["cpu"]) => `${Math.round((sum(runs.map(({ cpu }) => cpu[of])) / ms) * 100)} %`;
  return `of a core: drains ${percent("workers")}, shim ${percent("shim")}, Redis ${percent("redis")}`;
}
