import { expect, test } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { fillStore, storeTrials } from "../support/store-trials.ts";

// A caller whose answer was lost calls again. On Redis the adapter marks the resend; these methods recognise it by
// themselves.
test.each(["extend", "change", "changeSchedules"] as const)(
  "%s gives the same answer when it is called again",
  async (method) => {
    const store = memoryStore().open("default");
    const runs = await fillStore(store);
    const answer = await storeTrials[method](store, runs);
    expect(answer).toBeTruthy();
    expect(await storeTrials[method](store, runs)).toEqual(answer);
  },
);
