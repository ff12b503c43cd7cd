import type { EventEmitter } from "node:events";
import type { Duration } from "../src/index.ts";

export type SystemName =
  | "tidegate"
  | "tidegate-tcp"
  | "tidegate-elsewhere"
  | "first"
  | "first-tcp"
  | "bullmq"
  | "bee-queue";

/** The task of one worker process. */
export interface Task {
  readonly system: SystemName;
  readonly action: "enqueue" | "drain" | "latency";
  /** How many jobs; a drain ends earlier if no more are waiting. */
  readonly jobs: number;
  readonly batchSize?: number;
  readonly concurrency?: number;
  /** How many drains run at once in the process. */
  readonly drains?: number;
  /** The delay of each request before it is sent, which simulates a distant Redis. */
  readonly latencyMs?: number;
  /** The size of each payload as JSON. */
  readonly payloadBytes?: number;
  readonly retention?: Duration;
  /** Whether the queue observes. Default true. Tidegate alone. */
  readonly observe?: boolean;
  /** The delay of enqueued jobs. */
  readonly delayMs?: number;
  /**
   * Whether enqueued jobs have one key of flow control, and those of a latency task another. Tidegate alone: BullMQ has
   * no groups.
   */
  readonly isKeyed?: boolean;
  /** How many flow control keys with limited slots the enqueued jobs have; 0 for none. Tidegate alone. */
  readonly limitedKeys?: number;
  /** How many jobs of such a key may run at once. */
  readonly slotsOfKey?: number;
  /** How long each job runs, with a timer. Tidegate alone. */
  readonly jobMs?: number;
}

export interface TaskReport {
  readonly jobs: number;
  /** ms since 1970, with fractions: comparable between processes. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cpuMs: number;
  /** From enqueue to start, one for each job of a latency task. */
  readonly samplesMs: readonly number[];
  /** How much of the time slots were taken, where jobs take any. */
  readonly busy?: { readonly whole: number; readonly steady: number };
}

export const taskDefaults = {
  batchSize: 100,
  concurrency: 10,
  drains: 1,
  latencyMs: 0,
  payloadBytes: 100,
  retention: "24h",
  observe: true,
  delayMs: 0,
  isKeyed: false,
  limitedKeys: 0,
  slotsOfKey: 1,
  jobMs: 0,
} as const;

export type FullTask = Required<Task>;

/** How the processes reach the Redis of the stage. */
export interface Connections {
  readonly redisPort: number;
  readonly rest: { readonly url: string; readonly token: string };
}

/** One queue under measurement. */
export interface System {
  enqueue(task: FullTask): Promise<TaskReport>;
  drain(task: FullTask): Promise<TaskReport>;
  /** Enqueues jobs one by one, each after the previous one has run, and returns how long each took to start. */
  latency(task: FullTask): Promise<TaskReport>;
}

/** ms since 1970, with fractions. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Runs the measured part of a task. */
export async function timed(run: () => Promise<number>, samplesMs: readonly number[] = []): Promise<TaskReport> {
  const startedAt = preciseNow();
  const cpu = process.cpuUsage();
  const jobs = await run();
  const { user, system } = process.cpuUsage(cpu);
  return { jobs, startedAt, endedAt: preciseNow(), cpuMs: (user + system) / 1_000, samplesMs };
}

/** A payload of this many bytes as JSON. */
export function payloadOf(bytes: number): { readonly text: string } {
  return { text: "x".repeat(Math.max(0, bytes - '{"text":""}'.length)) };
}

/** Calls `store` with the number of jobs to store next, until all are stored. */
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

/** Resolves when an event has occurred this many times. */
export function timesOf(emitter: EventEmitter, event: string, times: number): Promise<void> {
  return new Promise((resolve) => {
    let left = times;
    const count = () => {
      left -= 1;
      if (left > 0) return;
      emitter.off(event, count);
      resolve();
    };
    emitter.on(event, count);
  });
}
