import fc from "fast-check";
import { type ModelCount, nothingCounted, queueModel, storeModel } from "../../support/model.ts";
import { clocksApartOperation, occurrenceOperation } from "../../support/operations.ts";
import { openStage, type Stage } from "../../support/stage.ts";
import type { Part } from "../part.ts";

const LENGTH = 60;
const RUNS = 5;

type Model<Steps> = (count: ModelCount) => fc.IAsyncProperty<Steps>;

/** Random operations on Redis and in memory, most of them on the store port or by clients of a queue. */
export const model: Part = {
  about: "random operations: Redis answers and holds what memory does, and keeps the invariants",
  sizes: { operations: 100_000, firing: 20_000, skewed: 20_000 },
  async run({ size, seed, progress }) {
    const half = Math.ceil(size("operations") / 2);
    const all = 2 * half + size("firing") + size("skewed");
    const stage = await openStage();
    let before = 0;
    const repeated = async <Steps>(operations: number, model: Model<Steps>) => {
      const count = await repeat(model, { stage, operations, seed, progress: (done) => progress(before + done, all) });
      before += operations;
      return count;
    };
    try {
      const store = await repeated(half, (count) => storeModel(stage, LENGTH, count));
      const firing = await repeated(size("firing"), (count) => storeModel(stage, LENGTH, count, occurrenceOperation));
      const skewed = await repeated(size("skewed"), (count) =>
        storeModel(stage, LENGTH, count, clocksApartOperation, true),
      );
      const queue = await repeated(half, (count) => queueModel(stage, LENGTH, count));
      return {
        "operations of the store port": store.operations,
        "of these, through a fault of the network": store.faults,
        "operations where schedules fire": firing.operations,
        "occurrences fired by the store": firing.fired,
        "operations by clocks that differ": skewed.operations,
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
async function repeat<Steps>(
  model: Model<Steps>,
  { stage, operations, seed, progress }: Repeated,
): Promise<ModelCount> {
  const count = nothingCounted();
  for (let round = 0; count.operations < operations; round++) {
    await fc.assert(model(count), { numRuns: RUNS, seed: seed + round });
    // Keys of earlier sequences would only slow Redis down.
    await stage.redis.send(["FLUSHDB"]);
    progress(count.operations);
  }
  return count;
}
