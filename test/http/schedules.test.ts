import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { setUp, snapshot } from "./memory-handler.ts";

const daily = { name: "send_email", payload: { to: "ada" }, cron: "0 0 9 * * *", timeZone: "Europe/Paris" };
const shown = {
  key: "daily/report",
  name: "send_email",
  payload: { to: "ada" },
  cron: "0 0 9 * * *",
  every: null,
  timeZone: "Europe/Paris",
  missed: "once",
  overlap: "allow",
  declared: false,
  nextRunAt: "2026-03-02T08:00:00.000Z",
  lastRunAt: null,
  lastJobId: null,
};

describe("schedules", () => {
  test("are stored, shown, listed and removed by their key", async () => {
    const { call } = setUp();
    const path = "/schedules/daily%2Freport";
    expect(await call("PUT", path, daily)).toMatchObject({ status: 200, body: shown });
    expect(await call("GET", path)).toMatchObject({ status: 200, body: shown });
    expect(await call("GET", "/schedules")).toMatchObject({ status: 200, body: { schedules: [shown] } });
    expect((await call("DELETE", path)).status).toBe(204);
    expect(await call("GET", "/schedules")).toMatchObject({ body: { schedules: [] } });
  });

  test("can fire at an interval", async () => {
    const { call } = setUp();
    const { timeZone: _, cron: __, ...job } = daily;
    const every = { ...shown, key: "sync", cron: null, every: "90s", timeZone: "UTC" };
    const body = { ...every, nextRunAt: "2026-03-01T12:01:30.000Z" };
    expect(await call("PUT", "/schedules/sync", { ...job, every: "90s" })).toMatchObject({ status: 200, body });
    const made = await call("POST", "/jobs", { ...job, id: "sync", every: "90s", expires: "10m" });
    expect(made).toMatchObject({ status: 200, body: { id: "sync", status: "duplicate" } });
    for (const wrong of [{}, { every: "90s", cron: "* * * * *" }, { every: "90s", timeZone: "UTC" }, { every: 1 }])
      expect(await call("PUT", "/schedules/sync", { ...job, ...wrong })).toMatchObject({ status: 400 });
  });

  test("are replaced by a second PUT", async () => {
    const { call } = setUp();
    await call("PUT", "/schedules/daily", daily);
    const options = { missed: "all", overlap: "skip", maxRetries: 1, backoff: { type: "fixed" }, timeout: "1m" };
    const { body } = await call("PUT", "/schedules/daily", { ...daily, ...options });
    expect(body).toMatchObject({ missed: "all", overlap: "skip" });
    expect((await call("GET", "/schedules")).body["schedules"]).toHaveLength(1);
  });

  test("GET /schedules shows the next occurrences", async () => {
    const { call } = setUp();
    await call("PUT", "/schedules/daily", daily);
    const two = await call("GET", "/schedules/daily/preview?count=2");
    expect(two.body).toEqual({ occurrences: ["2026-03-02T08:00:00.000Z", "2026-03-03T08:00:00.000Z"] });
    expect((await call("GET", "/schedules/daily/preview")).body["occurrences"]).toHaveLength(5);
  });

  test.each([
    ["GET", "/schedules/nobody"],
    ["DELETE", "/schedules/nobody"],
    ["GET", "/schedules/nobody/preview"],
  ])("that do not exist get 404 from %s %s", async (method, path) => {
    const { call } = setUp();
    expect(await call(method, path)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test.each([
    [{}, "name"],
    [{ ...daily, cron: undefined }, "cron"],
    [{ ...daily, cron: "" }, "cron"],
    [{ ...daily, cron: "61 * * * * *" }, "cron"],
    [{ ...daily, timeZone: "Nowhere" }, "Nowhere"],
    [{ ...daily, missed: "never" }, "missed"],
    [{ ...daily, overlap: true }, "overlap"],
    [{ ...daily, key: "x" }, "key"],
    [{ ...daily, delay: "1m" }, "delay"],
    [[daily], "The body"],
  ])("are refused for %j by naming %s", async (body, field) => {
    const { call, queue } = setUp();
    const before = await snapshot(queue);
    const answer = await call("PUT", "/schedules/daily", body);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(answer.body["detail"]).toContain(field);
    expect(await snapshot(queue)).toBe(before);
  });

  test("are refused with 422 if the payload does not fit", async () => {
    const { call } = setUp();
    const answer = await call("PUT", "/schedules/daily", { ...daily, payload: {} });
    expect(answer).toMatchObject({ status: 422, body: { code: "invalid_payload" } });
  });

  test.each(["count=0", "count=1001", "count=two", "limit=2"])("refuse a preview with %s", async (query) => {
    const { call } = setUp();
    await call("PUT", "/schedules/daily", daily);
    expect((await call("GET", `/schedules/daily/preview?${query}`)).status).toBe(400);
  });
});

test("the preview of a declared schedule says that it is not active before the first drain", async () => {
  const tick = defineJob({ name: "tick", schedule: { every: "1m" }, perform() {} });
  const { call, queue } = setUp({ queue: { jobs: [tick] } });
  expect((await call("GET", "/schedules/tick/preview")).body["detail"]).toBe(
    'Schedule "tick" is declared in code, and is not active until the first drain.',
  );
  await queue.drain();
  expect((await call("GET", "/schedules/tick/preview?count=1")).body["occurrences"]).toHaveLength(1);
});
