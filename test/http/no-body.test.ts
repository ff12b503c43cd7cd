import { describe, expect, test } from "vitest";
import { routes } from "../../src/http/routes/index.ts";
import { setUp, snapshot } from "./memory-handler.ts";

/** One request to each route that changes something and takes no body. */
const requests = routes
  .filter(({ method, body }) => method !== "GET" && !body)
  .map(({ method, path }) => [method, path.replace(/:\w+/, "s").replace(/^\/jobs$/, "/jobs?state=pending")] as const);

async function setUpWork() {
  const made = setUp();
  await made.queue.enqueue("fails");
  await made.queue.enqueue("fails", null, { id: "s", delay: "1h" });
  await made.queue.schedules.upsert("s", { job: "fails", cron: "0 0 * * *" });
  return made;
}

describe("a request that changes something and takes no body", () => {
  test("is one of these", () => {
    expect(requests).toEqual(
      expect.arrayContaining([
        ["POST", "/resume"],
        ["DELETE", "/jobs?state=pending"],
        ["POST", "/schedules/s/run"],
        ["POST", "/schedules/s/pause"],
        ["DELETE", "/schedules/s"],
      ]),
    );
  });

  test.each(requests)(
    "is refused with fields in the body, before it changes something: %s %s",
    async (method, path) => {
      const { call, queue } = await setUpWork();
      const before = await snapshot(queue);
      for (const body of [{ dryRun: true }, [], 1, "not JSON"])
        expect(await call(method, path, body), JSON.stringify(body)).toMatchObject({
          status: 400,
          body: { code: "invalid_request", detail: expect.stringMatching(/dryRun|an object|JSON/) },
        });
      expect(await snapshot(queue)).toBe(before);
    },
  );

  test.each(requests)("may have an empty body, or one without fields: %s %s", async (method, path) => {
    for (const body of [undefined, "", {}]) {
      const { call } = await setUpWork();
      expect((await call(method, path, body)).status, JSON.stringify(body)).not.toBe(400);
    }
  });
});
