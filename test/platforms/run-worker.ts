import { onTestFinished } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { type RunningWorker, startWorker, type WorkerOptions } from "../../src/platforms/node.ts";
import { faultyStore, type TestClock, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";

/** Starts a worker that stops with the test. */
export function run(queue: Queue | readonly Queue[], options: WorkerOptions = {}): RunningWorker {
  const worker = startWorker(queue, options);
  onTestFinished(() => worker.stop().then(() => {}));
  return worker;
}

/** A job that records when it ran, in ms after the start. */
export function noting(clock: TestClock) {
  const seen: number[] = [];
  const note = defineJob({ name: "note", perform: () => void seen.push(clock.now - start) });
  return { seen, note };
}

/** A job that ends when the test releases it. */
export function slow() {
  const running: (() => void)[] = [];
  const job = defineJob({ name: "slow", perform: () => new Promise<void>((resolve) => running.push(resolve)) });
  return { job, running };
}

/** A setup for the tests of `startWorker`, on a memory store that can fail. */
export function setUp() {
  const clock = testClock(start);
  const store = faultyStore(memoryStore(), [], { clock });
  const { seen, note } = noting(clock);
  const { job, running } = slow();
  const jobs = [note, job];
  const open = (name?: string) => new Queue({ store, clock, jobs, ...(name !== undefined && { name }) });
  return { clock, store, seen, note, slow: job, running, open };
}
