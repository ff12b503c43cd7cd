import type { StoreMethod } from "../../../src/core/store/calls.ts";
import type { Fault } from "../../support/faults.ts";
import { httpRoad, type Road, tcpRoad, tryInVain, tryMethod } from "../../support/network.ts";
import { openStage, type Stage } from "../../support/stage.ts";
import { storeTrials } from "../../support/store-trials.ts";
import type { Part } from "../part.ts";

const methods = Object.keys(storeTrials) as StoreMethod[];

/** Each method of both stores, through each fault. */
export const network: Part = {
  about: "each method of upstashStore and redisStore through each fault of the network",
  sizes: { rounds: 10 },
  async run({ size, progress }) {
    const stage = await openStage();
    const roads = [httpRoad(stage), await tcpRoad(stage)];
    const trials = roads.flatMap((road) => methods.flatMap((method) => trialsOf(stage, road, method)));
    const all = trials.length * size("rounds");
    let calls = 0;
    try {
      for (let round = 0; round < size("rounds"); round++) {
        for (const trial of trials) {
          await trial();
          progress(++calls, all);
        }
      }
    } finally {
      for (const road of roads) await road.close();
      await stage.close();
    }
    return {
      methods: methods.length,
      "kinds of fault over HTTP": roads[0]?.faults.length ?? 0,
      "kinds of fault over TCP": roads[1]?.faults.length ?? 0,
      "calls through a fault": calls,
      "answers or states that were not as they should be": 0,
    };
  },
};

function trialsOf(stage: Stage, road: Road, method: StoreMethod): (() => Promise<void>)[] {
  const late: Fault = { delayMs: 25 };
  return [
    ...[...road.faults, ...(road.name === "upstash" ? [late] : [])].map(
      (fault) => () => tryMethod(stage, road, method, fault),
    ),
    () => tryInVain(stage, road, method, "drop-request"),
    () => tryInVain(stage, road, method, "drop-reply"),
  ];
}
