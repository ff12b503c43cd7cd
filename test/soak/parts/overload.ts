import { drainLargePayloads, drainTogether } from "../../support/overload.ts";
import { openStage } from "../../support/stage.ts";
import type { Part } from "../part.ts";

/** More than is sensible. */
export const overload: Part = {
  about: "many jobs waiting, drained by many at once, each once; payloads as large as they may be",
  sizes: { jobs: 1_000_000, drains: 50, large: 20 },
  async run({ size, progress }) {
    const [jobs, drains, large] = [size("jobs"), size("drains"), size("large")];
    const stage = await openStage();
    try {
      const startedAt = Date.now();
      const { roundTrips, delayed } = await drainTogether(stage.store(), {
        jobs,
        drains,
        progress: (done) => progress(done, jobs),
      });
      const seconds = Math.round((Date.now() - startedAt) / 1_000);
      await drainLargePayloads(stage.store(), large);
      return {
        "jobs waiting at once": jobs,
        "drains at once": drains,
        "round trips of the drains": roundTrips,
        "seconds to enqueue and drain them": seconds,
        "jobs that waited for a lease's end, since answers took over 10 s": delayed,
        "jobs run twice, or not at all": 0,
        "payloads of 5 MiB that arrived whole": large,
      };
    } finally {
      await stage.close();
    }
  },
};
