import { describe, expect, test } from "vitest";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { memoryStore } from "../../src/index.ts";
import { setUp } from "./memory-handler.ts";

const auth = {
  admin: [{ token: "the-token-of-on-call", name: "on-call" }, "a-token-without-name"],
  signal: [{ token: "the-token-of-payments", name: "payments" }, "a-signal-token-alone"],
  read: ["a-token-that-reads"],
};
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const onCall = bearer("the-token-of-on-call");

async function changesOf({ call }: ReturnType<typeof setUp>) {
  const { text, body } = await call("GET", "/changes", undefined, bearer("a-token-that-reads"));
  expect(text).not.toMatch(/token/);
  return (body["changes"] as Record<string, unknown>[]).map(({ by, operation, target, count }) => [
    ...[by, operation, target, count],
  ]);
}

describe("GET /changes", () => {
  test("lists what tokens have changed, each by its name, and never a token", async () => {
    const parts = setUp({ handler: { auth } });
    const { call, queue } = parts;
    const { id } = await queue.enqueue("fails", 1, { delay: "1h" });
    await queue.enqueue("fails", 1, { delay: "1h" });
    await call("POST", "/pause", undefined, onCall);
    await call("POST", "/resume", undefined, bearer("a-token-without-name"));
    await call("DELETE", `/jobs/${id}`, undefined, onCall);
    await call("POST", "/jobs/cancel", { name: "fails" }, onCall);
    await call("PUT", "/schedules/daily", { name: "fails", every: "1d" }, onCall);
    await call("POST", "/schedules/daily/run", undefined, onCall);
    await call("PUT", "/flow-control/mail", { concurrency: 2 }, onCall);
    await call("POST", "/signals/paid", {}, bearer("the-token-of-payments"));
    expect((await changesOf(parts)).reverse()).toEqual([
      ["on-call", "pause", null, null],
      [null, "resume", null, null],
      ["on-call", "cancelJob", id, null],
      ["on-call", "cancelJobs", "fails", 1],
      ["on-call", "putSchedule", "daily", null],
      ["on-call", "runSchedule", "daily", null],
      ["on-call", "setFlowControlKey", "mail", null],
      ["payments", "sendSignal", "paid", null],
    ]);
  });

  test("lists no dry run, no refused call, nothing that changed nothing, and no signal of a token without a name", async () => {
    const parts = setUp({ handler: { auth } });
    const { call, queue } = parts;
    await queue.enqueue("fails", 1, { delay: "1h" });
    await call("POST", "/jobs/cancel", { all: true, dryRun: true }, onCall);
    await call("POST", "/dead-letter/retry", { all: true }, onCall);
    await call("DELETE", "/jobs/nobody", undefined, onCall);
    await call("POST", "/job-types/fails/resume", undefined, onCall);
    await call("POST", "/pause", undefined, bearer("a-token-that-reads"));
    await call("POST", "/signals/paid", {}, bearer("a-signal-token-alone"));
    expect(await changesOf(parts)).toEqual([]);
  });

  test("names who is signed in to the dashboard", async () => {
    const parts = setUp({ handler: { auth, dashboard: dashboard() } });
    const { call } = parts;
    const form = "token=the-token-of-on-call";
    const type = { "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin" };
    const signedIn = await call("POST", "/dashboard/sign-in", form, type);
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    const { body } = await call("GET", "/dashboard/data?view=overview", undefined, { Cookie: cookie });
    const session = { Cookie: cookie, "tidegate-csrf": String(body["csrf"]), "Sec-Fetch-Site": "same-origin" };
    expect((await call("POST", "/pause", undefined, session)).status).toBe(200);
    expect(await changesOf(parts)).toEqual([["on-call", "pause", null, null]]);
  });

  test("a change whose line cannot be stored is made all the same, and reported", async () => {
    const errors: unknown[] = [];
    const kept = memoryStore();
    const noteChange = () => Promise.reject(new Error("No room."));
    const store = { open: (name: string) => ({ ...kept.open(name), noteChange }) };
    const { call, queue } = setUp({ queue: { store }, handler: { auth, onError: (error) => errors.push(error) } });
    expect((await call("POST", "/pause", undefined, onCall)).status).toBe(200);
    expect([(await queue.getStats()).paused, errors]).toEqual([true, [new Error("No room.")]]);
  });
});

const ada = { token: "a-long-enough-token", name: "ada" };
test.each([
  ["name", [{ token: "a-long-enough-token", name: "two words" }]],
  ["jobs", [{ token: "a-long-enough-token", jobs: ["fails"] }]],
  ["token", [{ token: "short", name: "ada" }]],
  ["auth.admin[1] is listed before under another name", [ada, { ...ada, name: "bob" }]],
])("auth.admin refuses a wrong %s", (word, admin) => {
  expect(() => setUp({ handler: { auth: { admin } as never } })).toThrow(word);
});
