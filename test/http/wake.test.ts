import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { type SetUp, setUp, withBackground } from "./memory-handler.ts";

const email = { name: "send_email", payload: { to: "ada" } };
const flaky = defineJob({
  name: "flaky",
  backoff: { type: "fixed", base: "30m" },
  perform: () => Promise.reject(new Error("no luck")),
});

/** A handler whose queue has a `wake` that responds when `open` is called. `asked` has ms since the start. */
function woken(parts: SetUp = {}, make = withBackground) {
  const clock = testClock(start);
  const asked: number[] = [];
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const wake = (at: number) => {
    asked.push(at - start);
    return opened;
  };
  const queue = { clock, jobs: [], wake, logger: null, ...parts.queue };
  return { ...make({ ...parts, queue }), clock, asked, open };
}

describe("over HTTP, wake", () => {
  test("goes on after the response to POST /jobs, with and without each", async () => {
    const { call, promises, asked, open, settled } = woken();
    expect((await call("POST", "/jobs", { ...email, delay: "1h" })).status).toBe(201);
    expect((await call("POST", "/jobs?each=true", [{ ...email, delay: "30m" }])).status).toBe(200);
    expect(asked).toEqual([3_600_000, 1_800_000]);
    expect(promises).toHaveLength(2);
    open();
    await settled();
  });

  test("delays the response by two seconds at most where the platform keeps no invocation alive", async () => {
    const { call, asked, clock } = woken({}, (parts) => ({ ...setUp(parts), promises: [], settled: async () => [] }));
    let isAnswered = false;
    const response = call("POST", "/jobs", email).then(() => {
      isAnswered = true;
    });
    await clock.advance("1999ms");
    expect(isAnswered).toBe(false);
    await clock.advance("1ms");
    await response;
    expect(asked).toEqual([0]);
  });

  test("is asked for a retry that comes before the end of the lease, after the invocation", async () => {
    const { call, asked, open, settled } = woken({ queue: { jobs: [flaky] }, handler: { enqueueOptions: "all" } });
    open();
    await call("POST", "/jobs", { name: "flaky", backoff: { type: "fixed", base: "20s" } });
    await settled();
    expect(asked).toEqual([expect.any(Number), 20_000]);
  });

  test("is asked for the end of the lease of a job that starts at once, and for its retry", async () => {
    const { call, asked, open, settled, queue, clock } = woken({ queue: { jobs: [flaky] } });
    open();
    await call("POST", "/jobs", { name: "flaky" });
    await settled();
    const [lease = 0, ...rest] = asked;
    expect(lease).toBeGreaterThan(30_000);
    expect(rest).toEqual([]);
    // The drain at the end of the lease asks for what comes next.
    await clock.advance(lease);
    await queue.drain();
    expect(asked).toEqual([lease, 1_800_000]);
  });
});
