import fc from "fast-check";
import { type ModelCount, nothingCounted, queueModel, storeModel } from "../../support/model.ts";
import { openStage, type Stage } from "../../support/stage.ts";
import type { Part } from "../part.ts";

const LENGTH = 60;
const RUNS = 5;

/** Random operations on Redis and in memory, half of them on the store port, half by clients of a queue. */
export const model: Part = {
  about: "random operations: Redis answers and holds what memory does, and keeps the invariants",
  sizes: { operations: 100_000 },
  async run({ size, seed, progress }) {
    const half = Math.ceil(size("operations") / 2);
    const stage = await openStage();
    try {
      const store = await repeat((count, parameters) => fc.assert(storeModel(stage, LENGTH, count), parameters), {
        stage,
        operations: half,
        seed,
        progress: (done) => progress(done, 2 * half),
      });
      const queue = await repeat((count, parameters) => fc.assert(queueModel(stage, LENGTH, count), parameters), {
        stage,
        operations: half,
        seed,
        progress: (done) => progress(half + done, 2 * half),
      });
      return {
        "operations of the store port": store.operations,
        "of these, through a fault of the network": store.faults,
        "operations of clients of a queue": queue.operations,
        differences: 0,
        "invariants broken": 0,
      };
    } finally {
      await stage.close();
    }
  },
};

interface Repeated {
  readonly stage: Stage;
  readonly operations: number;
  readonly seed: number;
  readonly progress: (done: number) => void;
}

/** Runs random sequences until this many operations were run. */
async function repeat(
  check: (count: ModelCount, parameters: { numRuns: number; seed: number }) => Promise<void>,
  { stage, operations, seed, progress }: Repeated,
): Promise<ModelCount> {
  const count = nothingCounted();
  for (let round = 0; count.operations < operations; round++) {
    await check(count, { numRuns: RUNS, seed: seed + round });
    // Keys of earlier sequences would only slow Redis down.
    await stage.redis.send(["FLUSHDB"]);
    progress(count.operations);
  }
  return count;
}
