import { type Figure, figureOf } from "./figures.ts";
import type { Row } from "./results.ts";
import { type Run, repeated, type Stage, type Worker } from "./stage.ts";
import type { Task } from "./task.ts";

/** What a part of the benchmark gets. */
export interface Bench {
  readonly stage: Stage;
  /** How much to do. */
  readonly effort: Effort;
  /** Shows on the terminal what is being measured. */
  progress(text: string): void;
  /** Keeps a measurement. If it names no section of the page, it goes into that of this part of the benchmark. */
  add(row: Omit<Row, "part"> & Partial<Pick<Row, "part">>): void;
}

export interface Effort {
  readonly isQuick: boolean;
  /** Whether to measure a million waiting jobs too. */
  readonly isMillion: boolean;
  /** How often to repeat each measurement, and the long ones. */
  readonly runs: number;
  readonly longRuns: number;
  /** How many of these jobs to take: all, or a tenth. */
  of(jobs: number): number;
}

export function effortOf({ isQuick, isMillion }: Pick<Effort, "isQuick" | "isMillion">): Effort {
  return {
    isQuick,
    isMillion,
    runs: isQuick ? 2 : 5,
    longRuns: isQuick ? 1 : 3,
    of: (jobs) => (isQuick ? jobs / 10 : jobs),
  };
}

/** The systems to measure in turn. */
export const contestants = ["tidegate", "tidegate-tcp", "bullmq", "bee-queue"] as const;
export type Contestant = (typeof contestants)[number];

/** Does the same for each system in turn. */
export async function forEach<T>(
  names: readonly Contestant[],
  run: (name: Contestant) => Promise<T>,
): Promise<ReadonlyMap<Contestant, T>> {
  const results = new Map<Contestant, T>();
  for (const name of names) results.set(name, await run(name));
  return results;
}

/** Fills the queue from nearby, and drains it by these workers. */
export async function drained({ stage }: Bench, task: Omit<Task, "action">, workers: readonly Worker[]): Promise<Run> {
  await stage.clear();
  const { system, jobs, limitedKeys = 0, slotsOfKey = 1 } = task;
  await stage.run({ ...{ system, jobs, limitedKeys, slotsOfKey }, action: "enqueue", batchSize: 1_000 });
  return stage.run({ ...task, action: "drain" }, workers);
}

/** Fills the queue, and measures how fast it empties, several times. */
export function drains(bench: Bench, task: Omit<Task, "action">, runs = bench.effort.runs): Promise<readonly Run[]> {
  const { stage } = bench;
  return repeated(runs, async () => {
    await stage.clear();
    await stage.run({ ...task, action: "enqueue", batchSize: 1_000, concurrency: 1 });
    return stage.run({ ...task, action: "drain" });
  });
}

/** One value of each run, summarized by column. */
export function figuresOf(
  columns: Iterable<readonly [string, readonly Run[]]>,
  value: (run: Run) => number,
): Readonly<Record<string, Figure>> {
  return Object.fromEntries([...columns].map(([column, runs]) => [column, figureOf(runs.map(value))]));
}

export function count(jobs: number): string {
  return jobs.toLocaleString("en-US");
}
