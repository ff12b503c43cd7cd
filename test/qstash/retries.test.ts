import { describe, expect, test } from "vitest";
import { onMemoryAtLeast } from "../support/stores.ts";
import { servedQStash, target } from "./served-qstash.ts";

const fails = () => new Response("no", { status: 500, headers: { "X-Why": "busy" } });

onMemoryAtLeast(({ create }) => {
  const served = (destination: () => Response | Promise<Response>) => servedQStash({ store: create(), destination });

  describe("a delivery that fails", () => {
    test("is retried three times, after 12 s, 148 s and 30 minutes, and then dead-lettered", async () => {
      const { client, queue, clock, deliveries } = await served(fails);
      const { messageId } = await client.publish({ url: target });
      const waits: number[] = [];
      for (let attempt = 0; attempt < 4; attempt++) {
        await queue.drain();
        const job = await queue.getJob(messageId);
        if (!job?.runAt) break;
        waits.push(Math.round((job.runAt.getTime() - clock.now) / 1_000));
        clock.now = job.runAt.getTime();
      }
      expect(waits).toEqual([12, 148, 1_808]);
      expect(deliveries.map(({ headers }) => headers.get("upstash-retried"))).toEqual(["0", "1", "2", "3"]);
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 1 });
    });

    test("waits as its expression says, starting with 0 retries", async () => {
      const { client, queue, clock } = await served(fails);
      const { messageId } = await client.publish({ url: target, retries: 2, retryDelay: "pow(2, retried) * 1000" });
      const waits: number[] = [];
      for (let attempt = 0; attempt < 2; attempt++) {
        await queue.drain();
        const job = await queue.getJob(messageId);
        waits.push((job?.runAt?.getTime() ?? 0) - clock.now);
        clock.now = job?.runAt?.getTime() ?? 0;
      }
      expect(waits).toEqual([1_000, 2_000]);
    });

    test.each([
      ["in seconds", { "Retry-After": "70" }, 70_000],
      ["as a date", { "Retry-After": "Sun, 01 Mar 2026 12:01:30 GMT" }, 90_000],
      ["as a duration", { "Retry-After": "6m5s" }, 365_000],
      ["in a header of rate limits", { "X-RateLimit-Reset-Tokens": "1.5s" }, 1_500],
      ["beyond a day, as a day", { "Retry-After": "90000" }, 86_400_000],
      ["beyond a day as a duration, as a day", { "Retry-After": "25h" }, 86_400_000],
      ["beyond a day as a date, as a day", { "Retry-After": "Thu, 05 Mar 2026 12:00:00 GMT" }, 86_400_000],
      ["as a reset beyond a day, which does not count", { "X-RateLimit-Reset": "90000" }, 12_182],
    ])("waits as its destination asks %s", async (_, headers, expected) => {
      const { client, queue, clock } = await served(() => new Response("", { status: 429, headers }));
      const { messageId } = await client.publish({ url: target });
      await queue.drain();
      expect((await queue.getJob(messageId))?.runAt?.getTime()).toBe(clock.now + expected);
    });

    test("is dead-lettered at once if its destination answers 489 with the header for no retry", async () => {
      const headers = { "Upstash-NonRetryable-Error": "true" };
      const { client, queue } = await served(() => new Response("bad input", { status: 489, headers }));
      await client.publish({ url: target });
      await queue.drain();
      expect((await client.dlq.listMessages()).messages).toMatchObject([
        { responseStatus: 489, responseBody: "bad input" },
      ]);
    });

    test("is retried after a 489 without that header", async () => {
      const { client, queue } = await served(() => new Response("", { status: 489 }));
      await client.publish({ url: target });
      await queue.drain();
      expect(await queue.getStats()).toMatchObject({ scheduledCount: 1, deadLetterCount: 0 });
    });

    test("by a redirect is not followed", async () => {
      const headers = { Location: "http://169.254.169.254/latest/meta-data" };
      const { client, queue, deliveries } = await served(() => new Response(null, { status: 307, headers }));
      await client.publish({ url: target, retries: 0 });
      await queue.drain();
      expect(deliveries.map(({ url, redirect }) => [url, redirect])).toEqual([[target, "manual"]]);
      expect((await client.dlq.listMessages()).messages).toMatchObject([{ responseStatus: 307 }]);
    });

    test("says in its error what failed, without URL and body", async () => {
      const secret = "the-secret";
      const failing = () => Promise.reject(new TypeError(secret, { cause: { code: "ECONNREFUSED", message: secret } }));
      const { client, queue } = await served(failing);
      await client.publish({ url: `${target}?key=${secret}`, body: secret, retries: 0 });
      await queue.drain();
      const { jobs } = await queue.listDeadLetter();
      expect(jobs[0]?.error.message).toBe("The destination could not be reached (ECONNREFUSED).");
    });
  });

  describe("the dead letter", () => {
    const dead = async (labels: readonly string[]) => {
      let status = 500;
      const parts = await served(() => new Response("no", { status, headers: { "X-Why": "busy" } }));
      for (const label of labels) {
        await parts.client.publish({ url: `${target}/${label}`, label, body: label, retries: 0 });
        await parts.queue.drain();
        parts.clock.now += 1_000;
      }
      return { ...parts, recover: () => (status = 200) };
    };

    test("shows each message with its last response", async () => {
      const { client } = await dead(["a", "b"]);
      const { messages, cursor } = await client.dlq.listMessages();
      expect(messages).toHaveLength(2);
      expect(messages.find(({ label }) => label === "b")).toMatchObject({
        ...{ url: `${target}/b`, body: "b", responseStatus: 500, responseBody: "no", labels: ["b"] },
        responseHeader: { "X-Why": ["busy"] },
      });
      expect(cursor).toBeUndefined();
    });

    test("is read page by page", async () => {
      const { client } = await dead(["a", "b", "c"]);
      const pages: (readonly (string | undefined)[])[] = [];
      let cursor: string | undefined;
      do {
        const page = await client.dlq.listMessages({ count: 2, ...(cursor && { cursor }) });
        pages.push(page.messages.map(({ label }) => label));
        cursor = page.cursor;
      } while (cursor);
      expect(pages.map(({ length }) => length)).toEqual([2, 1]);
      expect(pages.flat().sort()).toEqual(["a", "b", "c"]);
    });

    test("is filtered by label, URL and status", async () => {
      const { client } = await dead(["a", "b", "c"]);
      const labels = async (filter: object) =>
        (await client.dlq.listMessages({ filter })).messages.map(({ label }) => label).sort();
      expect(await labels({ label: ["a", "c"] })).toEqual(["a", "c"]);
      expect(await labels({ url: `${target}/b` })).toEqual(["b"]);
      expect(await labels({ responseStatus: 404 })).toEqual([]);
      await expect(labels({ nonsense: "x" })).rejects.toThrow("Unknown filter");
    });

    test("retries messages, which are then delivered", async () => {
      const { client, queue, deliveries, recover } = await dead(["a", "b"]);
      const { messages } = await client.dlq.listMessages({ filter: { label: "a" } });
      recover();
      const { responses } = await client.dlq.retry(messages[0]?.dlqId as string);
      expect(responses).toEqual([{ messageId: messages[0]?.messageId }]);
      await queue.drain();
      expect(deliveries.at(-1)).toMatchObject({ url: `${target}/a` });
      expect(deliveries.at(-1)?.headers.get("upstash-retried")).toBe("0");
      expect((await client.dlq.listMessages()).messages.map(({ label }) => label)).toEqual(["b"]);
      expect((await client.dlq.retry({ all: true })).responses).toHaveLength(1);
    });

    test("retries messages with other options, and keeps what these do not name", async () => {
      const { client, queue, deliveries, recover, call, clock } = await dead(["a"]);
      const [message] = (await client.dlq.listMessages()).messages;
      recover();
      const headers = {
        ...{ "Content-Type": "text/html", "Upstash-Method": "PUT", "Upstash-Retries": "7", "Upstash-Delay": "1h" },
        ...{ "Upstash-Timeout": "5s", "Upstash-Forward-X-New": "new", "Upstash-Callback": `${target}/callback` },
      };
      const answer = await call("POST", `/v2/dlq/retry/${message?.dlqId}`, { headers });
      expect([answer.status, await answer.json()]).toEqual([201, { messageId: message?.messageId }]);
      await queue.drain();
      const before = deliveries.length;
      expect(await client.messages.get(message?.messageId ?? "")).toMatchObject({ label: "a", maxRetries: 7 });
      clock.now += 3_600_000;
      await queue.drain();
      await queue.drain();
      const [delivery, callback] = deliveries.slice(before);
      expect(delivery).toMatchObject({ url: `${target}/a`, method: "PUT", body: "a" });
      expect(delivery?.headers.get("x-new")).toBe("new");
      expect(delivery?.headers.get("content-type")).toBe(deliveries[0]?.headers.get("content-type"));
      expect(callback?.url).toBe(`${target}/callback`);
    });

    test("refuses to change what a retry keeps", async () => {
      const { call } = await dead(["a"]);
      for (const name of ["Upstash-Queue-Name", "Upstash-Flow-Control-Key", "Upstash-Deduplication-Id"]) {
        const answer = await call("POST", "/v2/dlq/retry", { headers: { [name]: "x" } });
        expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining(`cannot change ${name}`)]);
      }
      const wrong = await call("POST", "/v2/dlq/retry", { headers: { "Upstash-Retries": "many" } });
      expect(wrong.status).toBe(400);
    });

    test("deletes one message, several, or all", async () => {
      const { client } = await dead(["a", "b", "c", "d"]);
      const ids = (await client.dlq.listMessages()).messages.map(({ dlqId }) => dlqId);
      expect(await client.dlq.delete(ids[0] as string)).toEqual({ deleted: 1 });
      await expect(client.dlq.delete(ids[0] as string)).rejects.toMatchObject({ status: 404 });
      expect(await client.dlq.delete([ids[0] as string, ids[1] as string])).toEqual({ deleted: 1 });
      expect(await client.dlq.delete({ all: true })).toEqual({ deleted: 2 });
    });
  });
});
