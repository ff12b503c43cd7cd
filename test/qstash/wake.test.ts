import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { type QStashWakeOptions, qstashWake } from "../../src/qstash/index.ts";
import { start } from "../support/clock.ts";
import { qstashHandler, token } from "./served-qstash.ts";

const drainToken = "the-drain-token";
const ran: string[] = [];
const note = defineJob({ name: "note", perform: (text: string) => void ran.push(text) });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
  ran.splice(0);
});

afterEach(() => {
  vi.useRealTimers();
});

/** An app that QStash's interface wakes: `pass` lets time pass, and has the interface deliver what is due then. */
function setUp(options: Partial<QStashWakeOptions> = {}) {
  const qstash = qstashHandler({
    destination: async ({ method, headers, body }) =>
      app.fetch(new Request("https://app.test/drain", { method, headers, ...(body !== "" && { body }) })),
  });
  const published: Request[] = [];
  const fetch = (url: string, init: RequestInit) => {
    const request = new Request(url, init);
    published.push(request.clone());
    return Promise.resolve(qstash.app.fetch(request));
  };
  const wake = qstashWake({
    ...{ token, url: "https://app.test/drain", drainToken, baseUrl: "http://queue.test", fetch },
    ...options,
  });
  const lines: string[] = [];
  const logger = { warn: (line: string) => void lines.push(line), error: () => {} };
  const store = memoryStore();
  const open = () => new Queue({ store, jobs: [note], wake, logger });
  const app = createHandler({ queue: open(), auth: { drain: [drainToken] } });
  const pass = async (ms: number) => {
    vi.setSystemTime(Date.now() + ms);
    qstash.clock.now = Date.now();
    await qstash.queue.drain();
  };
  return { ...qstash, open, wake, pass, published, lines };
}

describe("qstashWake, against QStash's interface", () => {
  test("refuses what is no time before it sends anything", async () => {
    const { wake, published } = setUp();
    for (const at of [Number.NaN, Number.POSITIVE_INFINITY, "soon" as never])
      await expect(wake(at)).rejects.toThrow("ms since 1970");
    expect(published).toEqual([]);
  });

  test("drains when something is due, and asks for what comes next", async () => {
    const { open, pass, deliveries } = setUp();
    const queue = open();
    await queue.enqueue(note, "now");
    await queue.enqueue(note, "later", { delay: "1h" });
    await pass(1_000);
    expect(ran).toEqual(["now"]);
    await pass(3_599_000);
    expect(ran).toEqual(["now", "later"]);
    expect(deliveries.map(({ method, url }) => `${method} ${url}`)).toEqual(
      Array(2).fill("POST https://app.test/drain"),
    );
    await pass(86_400_000);
    expect(deliveries).toHaveLength(2);
  });

  test("many isolates that ask in one second make one message, which comes after that second", async () => {
    const { open, pass, deliveries, published } = setUp();
    for (let isolate = 0; isolate < 10; isolate++) {
      await open().enqueue(note, `${isolate}`);
      vi.setSystemTime(Date.now() + 90);
    }
    expect(published.length).toBeGreaterThan(5);
    await pass(1_100);
    expect(ran).toHaveLength(10);
    // What fell into the second before has a message of its own.
    expect(deliveries.length).toBeLessThanOrEqual(2);
  });

  test("a message is not delivered before its second is over: who asks later in it relies on it", async () => {
    const { open, pass, deliveries } = setUp();
    await pass(300);
    await open().enqueue(note, "first");
    await pass(300);
    await open().enqueue(note, "second");
    await pass(400);
    expect(ran).toEqual(["first", "second"]);
    expect(deliveries).toHaveLength(1);
  });

  test("two apps of one account do not take each other's messages for duplicates", async () => {
    const { wake, published } = setUp();
    const other = setUp({ url: "https://app.test/other/drain" });
    await wake(start);
    await other.wake(start);
    const [one, two] = [published, other.published].map(([request]) =>
      request?.headers.get("upstash-deduplication-id"),
    );
    expect(one).not.toBe(two);
  });

  test("asks for a time within six days, as QStash delays no message for longer on its free plan", async () => {
    const { wake, published } = setUp();
    await wake(start + 30 * 86_400_000);
    expect(published[0]?.headers.get("upstash-not-before")).toBe(String(start / 1_000 + 6 * 86_400));
  });

  test("has QStash hide the token that it forwards", async () => {
    const { wake, published } = setUp();
    await wake(start);
    expect(published[0]?.headers.get("upstash-redact-fields")).toBe("header[Authorization]");
  });

  test("follows no redirect, which would pass the tokens on", async () => {
    const redirects: unknown[] = [];
    const fetch = async (_: string, { redirect }: RequestInit) => {
      redirects.push(redirect);
      return new Response(null, { status: 307, headers: { Location: "https://other.test" } });
    };
    await expect(setUp({ fetch }).wake(start)).rejects.toThrow("refused the message with status 307");
    expect(redirects).toEqual(["manual"]);
  });

  test("logs a refusal with its status, without a token or a URL, and the enqueue succeeds", async () => {
    const { open, lines } = setUp({ token: "a-wrong-token-of-qstash" });
    expect(await open().enqueue(note, "now")).toMatchObject({ status: "enqueued" });
    expect(lines).toEqual([expect.stringContaining("QStash refused the message with status 401.")]);
    expect(lines.join()).not.toMatch(/token-of-qstash|https?:|the-drain-token/);
  });

  test.each([
    [{ token: "" }, /token must be/],
    [{ drainToken: undefined }, /drainToken must be/],
    [{ url: "/drain" }, /url must be a whole URL/],
    [{ baseUrl: "qstash" }, /baseUrl must be a whole URL/],
    [{ retries: 3 }, /Unknown option "retries" in qstashWake/],
  ])("refuses %o", (options, message) => {
    expect(() => setUp(options as never)).toThrow(message);
  });
});
