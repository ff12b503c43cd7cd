import { figureOf, percentile } from "../figures.ts";
import { type Bench, contestants, count } from "../part.ts";
import { type Run, repeated } from "../stage.ts";
import type { SystemName, Task } from "../task.ts";

const SAMPLES = 200;
/** Systems that poll get longer pauses between two jobs. */
const SAMPLES_ELSEWHERE = 50;
const HOUR_MS = 3_600_000;
const BACKLOGS = [1_000, 100_000];
const MILLION = 1_000_000;

const systems = ["tidegate", "tidegate-tcp", "tidegate-elsewhere", "bullmq", "bee-queue"] as const;

/** From enqueue to start: in an idle queue, beside scheduled jobs, and behind due jobs. */
export async function latency(bench: Bench): Promise<void> {
  await percentiles(bench, 0);
  for (const backlog of BACKLOGS) await percentiles(bench, bench.effort.of(backlog));
  if (bench.effort.isMillion) await percentiles(bench, MILLION);
  for (const backlog of BACKLOGS) await behind(bench, bench.effort.of(backlog));
}

async function percentiles({ stage, effort, progress, add }: Bench, waiting: number): Promise<void> {
  const situation = waiting === 0 ? "idle" : `${count(waiting)} jobs wait for their time`;
  const runs = new Map<SystemName, readonly Run[]>();
  for (const system of systems) {
    progress(`${situation}, ${system}`);
    await stage.clear();
    if (waiting > 0) await stage.run(filling(system, waiting, HOUR_MS));
    const jobs = effort.of(system === "tidegate-elsewhere" ? SAMPLES_ELSEWHERE : SAMPLES);
    // Warms up the compiler.
    await stage.run({ system, action: "latency", jobs: jobs / 5 });
    runs.set(system, await repeated(effort.runs, () => stage.run({ system, action: "latency", jobs })));
  }
  for (const [percent, name] of [
    [50, "median"],
    [99, "99th percentile"],
  ] as const) {
    const figures = [...runs].map(([system, each]) => {
      return [system, figureOf(each.map(({ samplesMs }) => percentile(samplesMs, percent)))] as const;
    });
    add({ what: `${situation}, ${name}`, unit: "ms", figures: Object.fromEntries(figures) });
  }
}

/** One job, enqueued when this many are already due and a worker has just started. An eager handler runs it at once. */
async function behind({ stage, effort, progress, add }: Bench, due: number): Promise<void> {
  const figures = [];
  for (const system of contestants) {
    progress(`behind ${count(due)} due jobs, ${system}`);
    const runs = await repeated(effort.longRuns, async () => {
      await stage.clear();
      await stage.run(filling(system, due, 0));
      return stage.run({ system, action: "latency", jobs: 1 });
    });
    figures.push([system, figureOf(runs.flatMap(({ samplesMs }) => samplesMs))] as const);
  }
  add({ what: `behind ${count(due)} due jobs`, unit: "ms", figures: Object.fromEntries(figures) });
}

function filling(system: SystemName, jobs: number, delayMs: number): Task {
  return { system, action: "enqueue", jobs, batchSize: 1_000, delayMs };
}
