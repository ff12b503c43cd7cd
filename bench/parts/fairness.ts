import { type Bench, count, figuresOf } from "../part.ts";
import { type Run, repeated, type Worker } from "../stage.ts";
import { away } from "./distance.ts";

const BACKLOGS = [10_000, 100_000];
const DISTANCES = [0, 2];
const systems = ["tidegate-tcp", "bullmq"] as const;

/** One job of a key of its own, enqueued when a worker has just started on the ready jobs of another key. */
export async function fairness(bench: Bench): Promise<void> {
  const { stage, effort, progress, add } = bench;
  for (const ms of DISTANCES) {
    const [worker] = (await stage.distantWorkers(1, ms)) as [Worker];
    for (const backlog of BACKLOGS.map(effort.of)) {
      const what = `behind ${count(backlog)} ready jobs of another key, ${away(ms)}`;
      const columns = new Map<string, readonly Run[]>();
      for (const system of systems) {
        progress(`${what}, ${system}`);
        const runs = await repeated(effort.longRuns, async () => {
          await stage.clear();
          await stage.run({ system, action: "enqueue", jobs: backlog, batchSize: 1_000, isKeyed: true });
          return stage.run({ system, action: "latency", jobs: 1, isKeyed: true }, [worker]);
        });
        columns.set(system, runs);
      }
      add({ what, unit: "ms", figures: figuresOf(columns, ({ samplesMs: [waited = 0] }) => waited) });
    }
  }
}
