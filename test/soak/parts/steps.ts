import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { readStored, storedBreaches } from "../../support/invariants.ts";
import { nothingCounted, storeModel } from "../../support/model.ts";
import { signalOperation } from "../../support/operations.ts";
import { seededRandom } from "../../support/random.ts";
import { openStage } from "../../support/stage.ts";
import { noSteppedFigures, runSteppedJobs } from "../../support/stepped-jobs.ts";
import type { Part } from "../part.ts";
import { killTrials } from "./crashes.ts";

const LENGTH = 60;
const RUNS = 5;

/**
 * Jobs with steps: random jobs and signals, random operations on Redis and in memory, and processes that are killed.
 */
export const steps: Part = {
  about: "jobs with steps, sleeps and waits: no stored step runs again, no result or signal is lost, none wakes early",
  sizes: { stepped: 2_000, waits: 20_000, stops: 300 },
  async run(run) {
    const { size, seed, progress } = run;
    const [stepped, waits, stops] = [size("stepped"), size("waits"), size("stops")];
    const all = stepped + waits + stops;
    const figures = noSteppedFigures();
    const count = nothingCounted();
    const stage = await openStage();
    try {
      for (let trial = 0; trial < stepped; trial++) {
        const prefix = stage.prefix();
        const breaches = await runSteppedJobs(
          stage.store(prefix),
          seededRandom(seed + trial),
          figures,
          trial % 3 === 0,
        );
        const stored = await readStored(stage.redis, prefix);
        deepStrictEqual([...breaches, ...storedBreaches(stored)], [], `seed ${seed + trial}`);
        await stage.redis.send(["FLUSHDB"]);
        progress(trial, all);
      }
      for (let round = 0; count.operations < waits; round++) {
        await fc.assert(storeModel(stage, LENGTH, count, signalOperation), { numRuns: RUNS, seed: seed + round });
        await stage.redis.send(["FLUSHDB"]);
        progress(stepped + count.operations, all);
      }
    } finally {
      await stage.close();
    }
    const kills = await killTrials({ ...run, progress: (done) => progress(stepped + waits + done, all) }, stops, {
      hasSteps: true,
    });
    return {
      "jobs with steps": figures.jobs,
      "steps run": figures.stepsRun,
      "signals sent": figures.signals,
      "waits that timed out": figures.timeouts,
      "invocations, of which killed": `${figures.invocations}, ${figures.killed}`,
      "calls of the store that met a fault": figures.faults,
      "operations of the store port": count.operations,
      ...kills,
    };
  },
};
