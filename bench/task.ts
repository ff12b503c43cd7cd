import type { Duration } from "../src/index.ts";

/** What one worker process is told to do. */
export interface Task {
  readonly system: "tidegate" | "bullmq" | "bare";
  readonly action: "enqueue" | "drain";
  /** How many jobs; a drain ends earlier where no more are waiting. */
  readonly jobs: number;
  readonly batchSize?: number;
  readonly concurrency?: number;
  /** How many drains run at once in the process. */
  readonly drains?: number;
  readonly partitions?: number;
  /** How long each request waits before it is sent: the way to a distant Redis. */
  readonly latencyMs?: number;
  /** The size of each payload as JSON. */
  readonly payloadBytes?: number;
  readonly retention?: Duration;
}

export interface TaskReport {
  readonly jobs: number;
  /** ms since 1970, with fractions: comparable between processes. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cpuMs: number;
}

export const taskDefaults = {
  batchSize: 100,
  concurrency: 10,
  drains: 1,
  partitions: 1,
  latencyMs: 0,
  payloadBytes: 100,
  retention: "24h",
} as const;

export type FullTask = Required<Task>;

export const QUEUE = "bench";

/** Runs the measured part of a task. */
export async function timed(run: () => Promise<number>): Promise<TaskReport> {
  const now = () => performance.timeOrigin + performance.now();
  const startedAt = now();
  const cpu = process.cpuUsage();
  const jobs = await run();
  const { user, system } = process.cpuUsage(cpu);
  return { jobs, startedAt, endedAt: now(), cpuMs: (user + system) / 1_000 };
}

/** A payload of so many bytes as JSON. */
export function payloadOf(bytes: number): { readonly text: string } {
  return { text: "x".repeat(Math.max(0, bytes - '{"text":""}'.length)) };
}

/** Calls `store` with how many jobs to store next, until all are stored. */
export async function inBatches(
  { jobs, batchSize }: FullTask,
  store: (count: number) => Promise<unknown>,
): Promise<number> {
  for (let left = jobs; left > 0; left -= batchSize) await store(Math.min(batchSize, left));
  return jobs;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
