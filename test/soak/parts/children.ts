import fc from "fast-check";
import { nothingCounted, storeModel } from "../../support/model.ts";
import { familyOperation } from "../../support/operations.ts";
import { openStage } from "../../support/stage.ts";
import type { Part } from "../part.ts";
import { killTrials } from "./crashes.ts";

const LENGTH = 60;
const RUNS = 5;

/** Jobs with children: random operations on Redis and in memory, and processes that are killed while they drain. */
export const children: Part = {
  about: "jobs with children: Redis does what memory does, and through kills none starts early, twice, or never",
  sizes: { calls: 50_000, killed: 300 },
  async run(run) {
    const { size, seed, progress } = run;
    const [calls, killed] = [size("calls"), size("killed")];
    const count = nothingCounted();
    const stage = await openStage();
    try {
      for (let round = 0; count.operations < calls; round++) {
        await fc.assert(storeModel(stage, LENGTH, count, familyOperation), { numRuns: RUNS, seed: seed + round });
        await stage.redis.send(["FLUSHDB"]);
        progress(count.operations, calls + killed);
      }
    } finally {
      await stage.close();
    }
    const kills = await killTrials({ ...run, progress: (done) => progress(calls + done, calls + killed) }, killed, {
      hasParents: true,
    });
    return {
      "operations of the store port": count.operations,
      "of these, through a fault of the network": count.faults,
      differences: 0,
      ...kills,
    };
  },
};
