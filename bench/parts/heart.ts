import { exact, type Figure, figureOf } from "../figures.ts";
import { hasFirstVersion } from "../first-version.ts";
import { type Bench, count, drained, drains, figuresOf } from "../part.ts";
import { perSecond, type Run } from "../stage.ts";
import type { SystemName } from "../task.ts";
import { warmUp } from "./speed.ts";

const JOBS = 20_000;
const ROUNDS = 3;
/** A ratio that is further below its goal fails the run: so far do quiet runs of the same code differ. */
const TOLERANCE = 0.1;
const SLOTS = 100;
/** Jobs that take some time, for the share of it in which slots are busy. */
const TIMED = { jobs: 8_000, jobMs: 10 };

interface Entry {
  readonly system: SystemName;
  readonly observe?: boolean;
}

/** Those that are measured in turn, by the name of their column. */
const entries: Readonly<Record<string, Entry>> = {
  tidegate: { system: "tidegate" },
  "tidegate-tcp": { system: "tidegate-tcp" },
  "tidegate-tcp-unobserved": { system: "tidegate-tcp", observe: false },
  ...(hasFirstVersion && { first: { system: "first" }, "first-tcp": { system: "first-tcp" } }),
  bullmq: { system: "bullmq" },
};

/** The goals of the ratios between the medians of two columns, by the size of batches. */
const goals: readonly (readonly [size: number, column: string, other: string, goal: number])[] = [
  [100, "tidegate-tcp", "first-tcp", 0.95],
  [500, "tidegate-tcp", "first-tcp", 0.95],
  [500, "tidegate", "first", 0.9],
  [500, "tidegate-tcp", "bullmq", 3],
  [500, "tidegate", "bullmq", 2.2],
];

/** The goals for a Redis that is so many ms away: times BullMQ, and % of the slots' time in which they are busy. */
const distantGoals = [
  { ms: 0, times: 2 },
  { ms: 10, times: 21, busy: 93 },
  { ms: 40, times: 45, busy: 90 },
] as const;

/**
 * What any change of the heart is measured by, in less than three minutes: an empty backlog at equal concurrency,
 * beside BullMQ and the first version, and replies that take their time. All take turns, so that what else the machine
 * does meets all of them: the ratios count, more than the figures. A ratio below its goal fails the run.
 */
export async function heart(bench: Bench): Promise<void> {
  await warmUp(bench);
  for (const size of [100, 500]) await empty(bench, size);
  for (const goal of distantGoals) await distant(bench, goal);
}

async function empty(bench: Bench, size: number): Promise<void> {
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
  bench.add({ what, unit: "jobs a second", figures: figuresOf(runs, perSecond) });
  for (const [process, unit] of [
    ["workers", "the process"],
    ["redis", "Redis"],
  ] as const) {
    const perJob = ({ cpu, jobs: drained }: Run) => (cpu[process] / drained) * 1_000;
    bench.add({ what, unit: `CPU of ${unit}, us a job`, figures: figuresOf(runs, perJob) });
  }
  const median = (name: string) => figureOf((runs.get(name) ?? []).map(perSecond)).median;
  for (const [of, column, other, goal] of goals)
    if (of === size && runs.has(other))
      addGoal(bench, `${what}: ${column} / ${other}`, "x", exact(median(column) / median(other)), goal);
}

async function distant(bench: Bench, { ms, times, ...goal }: (typeof distantGoals)[number]): Promise<void> {
  const workers = await bench.stage.distantWorkers(1, ms);
  const speeds = new Map<string, number[]>([
    ["tidegate-tcp", []],
    ["bullmq", []],
  ]);
  const where = `Redis ${ms} ms away`;
  const busy: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    bench.progress(`${where}, ${round} of ${ROUNDS}`);
    for (const [system, list] of speeds) {
      // BullMQ takes minutes for as many jobs when Redis is far.
      const jobs = bench.effort.of(system === "bullmq" && ms > 0 ? JOBS / 10 : JOBS);
      const task = { system: system as SystemName, jobs, concurrency: SLOTS };
      list.push(perSecond(await drained(bench, task, workers)));
    }
    if (!("busy" in goal)) continue;
    const task = { system: "tidegate-tcp", ...TIMED, concurrency: SLOTS } as const;
    const run = await drained(bench, task, workers);
    busy.push(...run.busy.map(({ whole }) => 100 * whole));
  }
  const median = (system: string) => figureOf(speeds.get(system) ?? []).median;
  addGoal(
    bench,
    `empty jobs, ${where}: tidegate-tcp / bullmq`,
    "x",
    exact(median("tidegate-tcp") / median("bullmq")),
    times,
  );
  if ("busy" in goal)
    addGoal(
      bench,
      `jobs of ${TIMED.jobMs} ms in ${SLOTS} slots, ${where}`,
      "% of slots busy",
      figureOf(busy),
      goal.busy,
    );
}

function addGoal(bench: Bench, what: string, unit: string, measured: Figure, goal: number): void {
  const isMissed = measured.median < goal * (1 - TOLERANCE);
  bench.add({
    ...{ what, unit, figures: { measured, goal: exact(goal) } },
    ...(isMissed && { remark: "missed", isMissed }),
  });
}
