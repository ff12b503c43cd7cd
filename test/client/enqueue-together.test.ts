import { describe, expect, test } from "vitest";
import { QueueClient } from "../../src/client/index.ts";
import { InvalidPayloadError, memoryStore, TidegateError } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { fails, type SetUp, sendEmail, setUp } from "../http/memory-handler.ts";
import { gate } from "../support/gate.ts";

interface Seen {
  readonly path: string;
  /** How many jobs the body has; undefined if it is a single one. */
  readonly jobs: number | undefined;
}

/** A client of a handler in the same process, and the requests that it sends. */
function connect(options: SetUp = {}, token = "the-admin-token") {
  const parts = setUp({ ...options, handler: { auth: { admin: ["the-admin-token"] }, ...options.handler } });
  const seen: Seen[] = [];
  const fetch = async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    const body: unknown = await request.clone().json();
    seen.push({ path: pathname + search, jobs: Array.isArray(body) ? body.length : undefined });
    return parts.app.fetch(request);
  };
  return { ...parts, seen, client: new QueueClient({ url: "http://queue.test", token, fetch }) };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const each = (jobs: number): Seen => ({ path: "/jobs?each=true", jobs });
const alone: Seen = { path: "/jobs", jobs: undefined };

/** The results of calls: the value of each, or its error. */
async function outcomes(calls: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  return (await Promise.allSettled(calls)).map((call) => (call.status === "fulfilled" ? call.value : call.reason));
}

describe("calls of QueueClient.enqueue in one turn", () => {
  test("share one request, in order, and each gets its own answer", async () => {
    const { client, queue, seen } = connect();
    const results = await Promise.all(numbers(100).map((n) => client.enqueue("fails", n, { delay: `${n + 1}s` })));
    expect(seen).toEqual([each(100)]);
    expect(results.map(({ status }) => status)).toEqual(Array(100).fill("enqueued"));
    const ids = results.map(({ id }) => id);
    expect([...ids].sort()).toEqual(ids);
    for (const n of [0, 99]) {
      const job = await queue.getJob(ids[n] ?? "");
      expect(job).toMatchObject({ payload: n });
      expect(results[n]?.runAt).toEqual(job?.runAt);
    }
  });

  test("share requests of 1,000", async () => {
    const { client, queue, seen } = connect();
    const results = await Promise.all(numbers(2_500).map((n) => client.enqueue("fails", n)));
    expect(seen).toEqual([each(1_000), each(1_000), each(500)]);
    expect(new Set(results.map(({ id }) => id)).size).toBe(2_500);
    expect(await queue.getJob(results[2_499]?.id ?? "")).toMatchObject({ payload: 2_499 });
    expect((await queue.getStats()).readyCount).toBe(2_500);
  });

  test("are sent alone if there is only one, or if it is recurring", async () => {
    const { client, seen, queue } = connect();
    expect(await client.enqueue("fails")).toMatchObject({ status: "enqueued" });
    expect(seen.splice(0)).toEqual([alone]);
    const [first, recurring, last] = await Promise.all([
      client.enqueue("fails", 1),
      client.enqueue(fails, null, { cron: "0 13 * * *", id: "daily" }),
      client.enqueue("fails", 3),
    ]);
    expect([first.status, recurring.id, last.status]).toEqual(["enqueued", "daily", "enqueued"]);
    expect(seen).toHaveLength(2);
    expect(seen).toEqual(expect.arrayContaining([alone, each(2)]));
    expect(await queue.schedules.get("daily")).not.toBeNull();
  });

  test("fail alone if one is invalid, with the error it would get alone", async () => {
    const { client, seen, queue } = connect();
    const wrong: readonly (() => Promise<unknown>)[] = [
      () => client.enqueue("send_email", { to: 7 }),
      () => client.enqueue("nobody"),
      () => client.enqueue("fails", 1, { dealy: "1s" } as object),
      () => client.enqueue("fails", 1, { delay: "soon" as never }),
      () => client.enqueue("fails", "\ud800"),
      () => client.enqueue("fails", JSON.parse('{"__proto__":1}')),
      () => client.enqueue("fails", 1n),
      () => client.enqueue("fails", 1, { backoff: () => 5 } as object),
    ];
    const results = await outcomes(wrong.flatMap((call) => [call(), client.enqueue("fails", "right")]));
    expect(seen.splice(0)).toEqual([each(14)]);
    expect(results.filter((_, index) => index % 2 === 1)).toMatchObject(Array(8).fill({ status: "enqueued" }));
    for (const [index, call] of wrong.entries()) {
      const [lonely] = (await outcomes([call()])) as [TidegateError];
      const together = results[index * 2] as TidegateError;
      expect(together).toBeInstanceOf(TidegateError);
      expect(together.constructor).toBe(lonely.constructor);
      expect({ ...together, message: together.message }).toEqual({ ...lonely, message: lonely.message });
    }
    expect(results[0]).toBeInstanceOf(InvalidPayloadError);
    expect(results[0]).toMatchObject({ issues: [{ path: ["to"] }] });
    expect((await queue.getStats()).totalEnqueued).toBe(8);
  });

  test("send the payload as it was at the call", async () => {
    const { client, queue } = connect();
    const payload = { list: [1] };
    const first = client.enqueue("fails", payload);
    payload.list.push(2);
    const second = client.enqueue("fails", payload);
    payload.list = [];
    const jobs = await Promise.all([first, second].map(async (call) => queue.getJob((await call).id)));
    expect(jobs.map((job) => job?.payload)).toEqual([{ list: [1] }, { list: [1, 2] }]);
  });

  test("with one id store the first call's job", async () => {
    const { client, queue } = connect();
    const results = await Promise.all([1, 2].map((n) => client.enqueue("fails", n, { id: "order-7" })));
    expect(results.map(({ id, status }) => [id, status])).toEqual([
      ["order-7", "enqueued"],
      ["order-7", "duplicate"],
    ]);
    expect(await queue.getJob("order-7")).toMatchObject({ payload: 1 });
  });

  test("that follow the answers of others share a request too", async () => {
    const { client, seen } = connect();
    await Promise.all(
      numbers(5).map(async (n) => {
        const { id } = await client.enqueue("fails", n);
        return client.enqueue(sendEmail, { to: id });
      }),
    );
    expect(seen).toEqual([each(5), each(5)]);
  });

  test("do not wait for a request of another turn", async () => {
    const { app } = setUp();
    const { open, opened } = gate();
    let requests = 0;
    const fetch = (request: Request) => {
      open();
      return requests++ === 0 ? new Promise<never>(() => {}) : app.fetch(request);
    };
    const client = new QueueClient({ url: "http://queue.test", fetch });
    void client.enqueue("fails", 1);
    await opened;
    expect(await Promise.all([client.enqueue("fails", 2), client.enqueue("fails", 3)])).toHaveLength(2);
  });
});

describe("the size of a request of several calls", () => {
  test("is below every handler's default limit, whatever the characters", async () => {
    const { client, seen, queue } = connect();
    const payloads = [1, 0.4, 1.4, 0.2, 5.2, 0.1, 0.1].map((millions) => "€".repeat(millions * 300_000));
    const results = await Promise.all(payloads.map((payload) => client.enqueue("fails", payload)));
    expect(seen).toEqual([each(4), alone, each(2)]);
    expect(results.map(({ status }) => status)).toEqual(Array(7).fill("enqueued"));
    expect((await queue.getStats()).readyCount).toBe(7);
  });

  test("makes a job that is too large beside others go alone", async () => {
    const { client, seen } = connect();
    const sizes = [0.8, 0.8, 5.2, 0.6, 0.6];
    await Promise.all(sizes.map((size) => client.enqueue("fails", "x".repeat(size * 1_000_000))));
    expect(seen).toEqual(expect.arrayContaining([each(2)]));
    expect(seen.filter(({ jobs }) => jobs === undefined)).toHaveLength(3);
  });

  test("may exceed a handler's lower limit: then each call is sent alone", async () => {
    const { client, queue, seen } = connect({ handler: { maxBodyBytes: 16 * 1_024 } });
    const calls = numbers(30).map((n) => client.enqueue("fails", "x".repeat(n === 7 ? 20_000 : 1_000)));
    const results = await outcomes(calls);
    expect(seen).toEqual([each(30), ...Array(30).fill(alone)]);
    expect(results[7]).toMatchObject({ code: "payload_too_large" });
    expect(results.filter((_, n) => n !== 7)).toMatchObject(Array(29).fill({ status: "enqueued" }));
    expect((await queue.getStats()).readyCount).toBe(29);
  });

  test("may exceed the limit of a proxy, which is known by its status", async () => {
    const { app } = setUp();
    let requests = 0;
    const client = new QueueClient({
      url: "http://queue.test",
      fetch: (request) => (requests++ === 0 ? new Response("<h1>too large</h1>", { status: 413 }) : app.fetch(request)),
    });
    const results = await Promise.all(numbers(3).map((n) => client.enqueue("fails", n)));
    expect(results.map(({ status }) => status)).toEqual(Array(3).fill("enqueued"));
    expect(requests).toBe(4);
  });
});

describe("a request of several calls that fails rejects each call with its own error:", () => {
  test.each<[string, string, () => QueueClient]>([
    ["a wrong token", "unauthorized", () => connect({}, "wrong").client],
    [
      "no network",
      "store_unavailable",
      () => new QueueClient({ url: "http://queue.test", fetch: () => Promise.reject() }),
    ],
    [
      "a store that does not answer",
      "store_unavailable",
      () => connect({ queue: { store: faultyStore(memoryStore(), "before") }, handler: { onError() {} } }).client,
    ],
    [
      "a server that fails",
      "store_unavailable",
      () => new QueueClient({ url: "http://queue.test", fetch: () => new Response("oops", { status: 500 }) }),
    ],
  ])("%s", async (_, code, open) => {
    const client = open();
    const [lonely] = (await outcomes([client.enqueue("fails")])) as [TidegateError];
    const errors = (await outcomes(numbers(3).map((n) => client.enqueue("fails", n)))) as TidegateError[];
    expect(new Set(errors).size).toBe(3);
    for (const error of errors) {
      expect(error).toBeInstanceOf(TidegateError);
      expect(error).toMatchObject({ code, message: lonely.message });
    }
  });

  test.each<[string, unknown]>([
    ["an object", { ok: true }],
    ["null", null],
    ["an array", []],
    ["no jobs", { jobs: [] }],
    ["jobs that are none", { jobs: [{}, null] }],
    ["errors that are none", { jobs: [{ error: "odd" }, { error: { message: "odd" } }] }],
  ])("the answer of another service, %s", async (_, body) => {
    const client = new QueueClient({ url: "http://queue.test", fetch: () => Response.json(body) });
    for (const error of await outcomes([client.enqueue("fails", 1), client.enqueue("fails", 2)]))
      expect(error).toMatchObject({
        code: "store_unavailable",
        message: expect.stringContaining("Another service responded: status 200"),
      });
  });
});
