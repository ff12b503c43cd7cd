import { expect, test } from "vitest";
import { setUp } from "./memory-handler.ts";

test("POST /pause stops drains from starting jobs until POST /resume", async () => {
  const { call, queue } = setUp();
  await queue.enqueue("fails");
  expect(await call("POST", "/pause", { reason: "CRM is down" })).toMatchObject({
    status: 200,
    body: { paused: true },
  });
  expect((await call("GET", "/stats")).body).toMatchObject({ pausedBy: null, pausedReason: "CRM is down" });
  expect((await call("POST", "/drain")).body).toMatchObject({ claimed: 0, stoppedBy: "paused" });
  expect(await call("POST", "/resume")).toMatchObject({ status: 200, body: { paused: false, resumed: true } });
  expect((await call("POST", "/drain")).body).toMatchObject({ claimed: 1 });
});
