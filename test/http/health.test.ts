import { describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { memoryStore } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { wrapStore } from "../../src/testing/wrap-store.ts";
import { start } from "../support/clock.ts";
import { setUp } from "./memory-handler.ts";

describe("GET /health", () => {
  const auth = { enqueue: ["the-enqueue-token"], admin: ["the-admin-token"] };
  const token = { Authorization: "Bearer the-enqueue-token" };

  test("tells anyone that the store answers, and nothing else", async () => {
    const { call } = setUp({ handler: { auth } });
    expect(await call("GET", "/health")).toMatchObject({ status: 200, text: '{"status":"ok"}\n' });
  });

  test("tells a caller with a token the version of Tidegate too", async () => {
    const { call } = setUp({ handler: { auth } });
    const answer = await call("GET", "/health", undefined, token);
    expect(answer.body).toEqual({ status: "ok", version: packageJson.version });
  });

  test("answers 503 if the store does not", async () => {
    const store = faultyStore(memoryStore());
    const { call } = setUp({ handler: { auth, onError: () => {} }, queue: { store } });
    store.plan("before");
    const answer = await call("GET", "/health");
    expect(answer).toMatchObject({ status: 503, body: { code: "store_unavailable" } });
    expect(answer.headers.get("retry-after")).toBe("5");
  });

  test("checks again at once with a token, and after five seconds without", async () => {
    const store = faultyStore(memoryStore());
    const { call, clock } = setUp({ handler: { auth, onError: () => {} }, queue: { store } });
    expect((await call("GET", "/health")).status).toBe(200);
    store.plan("before");
    clock.now += 4_999;
    expect((await call("GET", "/health")).status).toBe(200);
    clock.now += 1;
    expect((await call("GET", "/health")).status).toBe(503);
    store.plan();
    expect((await call("GET", "/health")).status).toBe(503);
    expect((await call("GET", "/health", undefined, token)).status).toBe(200);
    expect((await call("GET", "/health")).status).toBe(200);
    store.plan("before");
    clock.now = start - 5_000;
    expect((await call("GET", "/health")).status).toBe(503);
  });

  /** A store whose reads wait until the test releases them. */
  function slowStore() {
    const waiting: (() => void)[] = [];
    const gate = () => new Promise<void>((resolve) => waiting.push(resolve));
    const store = wrapStore(memoryStore(), (_, run) => gate().then(run));
    const letGo = () => {
      for (const resolve of waiting.splice(0)) resolve();
    };
    return { store, waiting, letGo };
  }

  test.each([{ auth }, { auth: "none" as const }])(
    "checks once for 500 simultaneous requests, with auth %j",
    async (handler) => {
      const { store, waiting, letGo } = slowStore();
      const { call, clock } = setUp({ handler, queue: { store } });
      const ask = () => Promise.all(Array.from({ length: 500 }, () => call("GET", "/health")));
      for (const age of [0, 6_000, 600_000]) {
        clock.now += age;
        const answers = ask();
        await expect.poll(() => waiting).not.toEqual([]);
        expect(waiting).toHaveLength(1);
        letGo();
        expect((await answers).every(({ status }) => status === 200)).toBe(true);
      }
    },
  );

  test("replaces a check that never returned", async () => {
    const { store, waiting, letGo } = slowStore();
    const { call, clock } = setUp({ handler: { auth }, queue: { store } });
    void call("GET", "/health");
    await expect.poll(() => waiting).toHaveLength(1);
    waiting.length = 0;
    const second = call("GET", "/health");
    clock.now += 5_000;
    await expect.poll(() => waiting).toHaveLength(1);
    letGo();
    expect((await second).status).toBe(200);
  });

  test("does not cost a command for each request without a token", async () => {
    const store = faultyStore(memoryStore());
    const { call } = setUp({ handler: { auth }, queue: { store } });
    for (let i = 0; i < 5; i++) await call("GET", "/health");
    await call("GET", "/health", undefined, { Authorization: "Bearer unknown" });
    expect(store.calls).toHaveLength(1);
  });
});
