import { figureOf } from "../figures.ts";
import { type Bench, type Contestant, count, drains, figuresOf } from "../part.ts";
import { perSecond, type Run } from "../stage.ts";
import { warmUp } from "./speed.ts";

const JOBS = 20_000;
const ROUNDS = 3;

interface Entry {
  readonly system: Contestant;
  readonly observe?: boolean;
}

/** Those that are measured in turn, by the name of their column. */
const entries: Readonly<Record<string, Entry>> = {
  tidegate: { system: "tidegate" },
  "tidegate-tcp": { system: "tidegate-tcp" },
  "tidegate-tcp-unobserved": { system: "tidegate-tcp", observe: false },
  bullmq: { system: "bullmq" },
};

/**
 * What any change of the heart is measured by, in about a minute: an empty backlog at equal concurrency, beside BullMQ.
 * All take turns, so that what else the machine does meets all of them: the ratios count, more than the figures.
 */
export async function heart(bench: Bench): Promise<void> {
  await warmUp(bench);
  for (const size of [100, 500]) {
    const jobs = bench.effort.of(JOBS);
    const what = `drain ${count(jobs)}, batch and concurrency ${size}`;
    const runs = new Map<string, Run[]>(Object.keys(entries).map((name) => [name, []]));
    for (let round = 1; round <= ROUNDS; round++) {
      for (const [name, entry] of Object.entries(entries)) {
        bench.progress(`${what}, ${name}, ${round} of ${ROUNDS}`);
        const task = { ...entry, jobs, batchSize: size, concurrency: size };
        runs.get(name)?.push(...(await drains(bench, task, 1)));
      }
    }
    const median = (name: string) => figureOf((runs.get(name) ?? []).map(perSecond)).median;
    const ratio = (name: string, other: string) => (median(name) / median(other)).toFixed(2);
    const remark = `${ratio("tidegate", "bullmq")} x BullMQ, over TCP ${ratio("tidegate-tcp", "bullmq")} x; ${ratio("tidegate-tcp", "tidegate-tcp-unobserved")} x itself without observe`;
    bench.add({ what, unit: "jobs a second", figures: figuresOf(runs, perSecond), remark });
    for (const [process, unit] of [
      ["workers", "the process"],
      ["redis", "Redis"],
    ] as const) {
      const perJob = ({ cpu, jobs: drained }: Run) => (cpu[process] / drained) * 1_000;
      bench.add({ what, unit: `CPU of ${unit}, us a job`, figures: figuresOf(runs, perJob) });
    }
  }
}
