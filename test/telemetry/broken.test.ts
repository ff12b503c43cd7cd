import { describe, expect, test } from "vitest";
import { defineJob, type Tracing } from "../../src/index.ts";
import { setUp } from "./support.ts";

describe("a tracing that fails", () => {
  const oops = () => Promise.reject(new Error("oops"));
  const throws = () => {
    throw new Error("oops");
  };

  test.for<[string, Tracing]>([
    ["at once", { enqueue: throws, attempt: throws, flush: throws }],
    ["later", { enqueue: oops, attempt: oops, flush: oops }],
    ["after the work", { enqueue: (_, enqueue) => enqueue().then(oops), attempt: (_, make) => make().then(oops) }],
    ["by doing nothing", { enqueue: async () => {}, attempt: async () => {} }],
    [
      "by working twice",
      { enqueue: (_, enqueue) => enqueue().then(() => enqueue()), attempt: (_, make) => make().then(make) },
    ],
  ])("%s harms no job", async ([, broken]) => {
    let runs = 0;
    const count = defineJob({ name: "count", perform: () => ++runs });
    const { queue } = setUp({ jobs: [count], tracing: broken });
    const { id } = await queue.enqueue(count);
    expect(await queue.drain()).toMatchObject({ claimed: 1, completed: 1 });
    expect(runs).toBe(1);
    expect(await queue.getJob(id)).toMatchObject({ state: "completed" });
    await expect(queue.enqueue("unknown")).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("to be one is refused", () => {
    expect(() => setUp({ tracing: {} as Tracing })).toThrow(
      "tracing must be what tracing() of tidegate/telemetry gives",
    );
  });
});
