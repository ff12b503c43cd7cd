import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import type { StoreMethod } from "../../src/core/store/calls.ts";
import type { Fault } from "../support/faults.ts";
import { lossOf, passingFaults } from "../support/lossy.ts";
import { httpRoad, type Road, tcpRoad, tryInVain, tryMethod } from "../support/network.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { storeMethods, storeTrials } from "../support/store-trials.ts";
import { tcpFaults } from "../support/tcp-faults.ts";

// A proxy between the adapter and Redis does what networks do, to each method of the store port in turn.

const methods = Object.keys(storeTrials) as StoreMethod[];

test("every method of a store is tested", () => {
  expect([...methods].sort()).toEqual([...storeMethods()].sort());
});

const roads = [
  { name: "upstashStore", faults: passingFaults, open: async (stage: Stage) => httpRoad(stage) },
  { name: "redisStore", faults: tcpFaults, open: tcpRoad },
];

/** One fault of each effect, and all of them for one method: how a call fails is up to the adapter. */
function chosen(faults: readonly Fault[], method: StoreMethod): readonly Fault[] {
  if (isForAll || method === "exchange") return faults;
  return [...new Map([...faults].reverse().map((fault) => [lossOf(fault), fault])).values()];
}

describe.each(roads)("$name", ({ faults, open }) => {
  let stage: Stage;
  let road: Road;
  beforeAll(async () => {
    stage = await openStage();
    road = await open(stage);
  });
  afterAll(async () => {
    await road.close();
    await stage.close();
  });

  describe.each(methods)("%s", (method) => {
    test.each(chosen(faults, method))("through %j gives the answer and the state of memoryStore", (fault) =>
      tryMethod(stage, road, method, fault),
    );

    test("rejects while the network is down, and stores nothing", () => tryInVain(stage, road, method, "drop-request"));

    test("is stored completely or not at all if no answer ever arrives", () =>
      tryInVain(stage, road, method, "drop-reply"));
  });
});
