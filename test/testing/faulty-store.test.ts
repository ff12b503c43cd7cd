import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { enqueued, type FaultPlan, faultyStore, testClock } from "../../src/testing/index.ts";
import { onEachKindOfStore } from "../support/stores.ts";

const note = defineJob({ name: "note", perform: () => {} });
const away = { code: "store_unavailable" };

onEachKindOfStore((kind) => {
  const setUp = (plan?: FaultPlan) => {
    const store = faultyStore(kind.create(), plan);
    return { store, queue: new Queue({ store, jobs: [note] }) };
  };

  test("before: nothing was written", async () => {
    const { store, queue } = setUp([{ on: "enqueue", fault: "before" }]);
    await expect(queue.enqueue(note)).rejects.toMatchObject(away);
    expect(await enqueued(queue)).toEqual([]);
    store.plan();
    expect(await queue.enqueue(note)).toMatchObject({ status: "enqueued" });
  });

  test("after: all was written", async () => {
    const { queue } = setUp([{ on: ["enqueue", "cancel"], call: 1, fault: "after" }]);
    await expect(queue.enqueue(note, undefined, { id: "one" })).rejects.toMatchObject(away);
    expect(await queue.enqueue(note, undefined, { id: "one" })).toMatchObject({ status: "duplicate" });
    expect(await enqueued(queue)).toHaveLength(1);
  });

  test("a drain that gets no answers rejects, and loses no job", async () => {
    const { store, queue } = setUp([{ on: "exchange", fault: "after" }]);
    await queue.enqueue(note);
    await expect(queue.drain()).rejects.toMatchObject(away);
    const { pendingCount, runningCount } = await queue.getStats();
    expect(pendingCount + runningCount).toBe(1);
    expect(store.calls.map(({ method }) => method)).toEqual(["enqueue", "exchange", "stats"]);
  });
});

describe("faultyStore", () => {
  const setUp = (plan?: FaultPlan) => {
    const clock = testClock();
    const store = faultyStore(memoryStore(), plan, { clock });
    return { clock, store, queue: new Queue({ store, clock, jobs: [note] }) };
  };
  const outcomes = async (queue: Queue, times: number) => {
    const seen: string[] = [];
    for (let i = 0; i < times; i++) {
      await queue.getStats().then(
        () => seen.push("ok"),
        () => seen.push("failed"),
      );
    }
    return seen.join(" ");
  };

  test("fails the calls in the plan", async () => {
    expect(await outcomes(setUp().queue, 2)).toBe("ok ok");
    expect(await outcomes(setUp("before").queue, 2)).toBe("failed failed");
    expect(await outcomes(setUp([{ fault: "before", call: 2 }]).queue, 3)).toBe("ok failed ok");
    expect(await outcomes(setUp([{ fault: "after", call: [1, 3] }]).queue, 3)).toBe("failed ok failed");
    expect(await outcomes(setUp([{ fault: "before", on: "peek" }]).queue, 2)).toBe("ok ok");
    expect(
      await outcomes(
        setUp(({ method, queue }) => (method === "stats" && queue === "default" ? "before" : undefined)).queue,
        1,
      ),
    ).toBe("failed");
  });

  test("the first matching rule decides, and each rule counts its own calls", async () => {
    const { queue } = setUp([
      { on: "stats", call: 1, fault: "before" },
      { on: "stats", call: 2, fault: "after" },
    ]);
    expect(await outcomes(queue, 3)).toBe("failed failed ok");
  });

  test("delays a call on the given clock", async () => {
    const { clock, queue } = setUp({ delay: "5s" });
    let isDone = false;
    const asking = queue.getStats().then(() => {
      isDone = true;
    });
    await clock.advance("4s");
    expect(isDone).toBe(false);
    await clock.advance("1s");
    await asking;
  });

  test("counts a call that did not arrive as a round trip", async () => {
    const { queue } = setUp([{ on: "exchange", call: 2, fault: "before" }]);
    await queue.enqueue(note);
    expect(await queue.drain()).toMatchObject({ completed: 1, roundTrips: 3, stoppedBy: "aborted" });
  });

  test.each([
    [
      "a method that there is not",
      [{ on: "enqueu", fault: "before" }],
      /^on must be one of "enqueue", .*"changeSchedules"/,
    ],
    ["one of several", [{ on: ["enqueue", "ping"], fault: "before" }], /^on must be one of/],
    ["another fault", "befor", /^fault must be "before", "after" or/],
    ["another fault in a rule", [{ fault: "befor" }], /^fault must be/],
    ["no fault", [{ on: "enqueue" }], /^fault must be/],
    [
      "another option",
      [{ methods: "enqueue", fault: "after" }],
      /Unknown option "methods" in a rule.* fault, on, call\./,
    ],
    ["another option of a fault", { delay: "1s", jitter: 1 }, /Unknown option "jitter" in a fault/],
    ["a delay that is no duration", { delay: "soon" }, /^delay /],
    ["a call before the first", [{ fault: "after", call: 0 }], /^call must be a whole number from 1/],
  ])("refuses a plan with %s, which would fail nothing", async (_, plan, message) => {
    const refusal = expect.objectContaining({ code: "invalid_request", message: expect.stringMatching(message) });
    expect(() => setUp(plan as FaultPlan)).toThrow(refusal);
    const { store, queue } = setUp("before");
    expect(() => store.plan(plan as FaultPlan)).toThrow(refusal);
    expect(await outcomes(queue, 1)).toBe("failed");
  });

  test("refuses an unknown fault from a function", async () => {
    const { queue } = setUp((() => "befor") as unknown as FaultPlan);
    await expect(queue.getStats()).rejects.toMatchObject({ code: "invalid_request" });
  });
});

test.for([{ on: [] }, { call: [] }])("a rule of %j, which applies to no call, is refused", (rule) => {
  expect(() => faultyStore(memoryStore(), [{ fault: "before", ...rule }])).toThrow(/must not be an empty list/);
});
