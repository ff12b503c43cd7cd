import { describe, expect, test } from "vitest";
import { defineJob, InvalidPayloadError } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { dies, greet, note, openQueue } from "./open-queue.ts";

onEachKindOfStore((kind) => {
  describe("enqueue", () => {
    test("returns the existing job when the id is taken, whatever its state", async () => {
      const { clock, queue } = openQueue(kind);
      const options = { id: "welcome/ä 7", delay: "5m" } as const;
      expect(await queue.enqueue(note, 1, options)).toEqual({
        id: options.id,
        status: "enqueued",
        runAt: new Date(start + 300_000),
      });
      expect(await queue.enqueue(note, 2, { id: options.id })).toEqual({
        id: options.id,
        status: "duplicate",
        runAt: new Date(start + 300_000),
      });
      await clock.advance("5m");
      await queue.drain();
      expect(await queue.enqueue(note, 3, { id: options.id })).toEqual({
        id: options.id,
        status: "duplicate",
        runAt: null,
      });
      await queue.enqueue(dies, undefined, { id: "d" });
      await queue.drain();
      expect(await queue.enqueue(dies, undefined, { id: "d" })).toMatchObject({ status: "duplicate", runAt: null });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, totalProcessed: 1, totalFailed: 1 });
    });

    test("takes an id that newId returns twice as a duplicate, and leaves the first job unchanged", async () => {
      const { queue } = openQueue(kind, { newId: () => "019c8a5e-0000-7000-8000-000000000000" });
      const { id } = await queue.enqueue(note, "first", { delay: "1h" });
      expect(await queue.enqueue(note, "second")).toMatchObject({ id, status: "duplicate" });
      expect(await queue.getJob(id)).toMatchObject({ payload: "first", state: "scheduled" });
    });

    test("refuses an id of the form that jobs of schedules have, since it would block an occurrence", async () => {
      const { clock, queue } = openQueue(kind);
      await queue.schedules.upsert("daily", { job: note, cron: "0 13 * * *" });
      const id = "daily@2026-03-01T13:00:00.000Z";
      await expect(queue.enqueue(note, 1, { id, delay: "1d" })).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringContaining("schedules name their jobs so"),
      });
      await clock.advance("1h");
      expect(await queue.drain()).toMatchObject({ rearmed: 1 });
      expect(await queue.getJob(id)).toMatchObject({ state: "completed" });
    });

    test("dedupe makes one job per window, and always returns one that exists", async () => {
      const { clock, queue } = openQueue(kind);
      const options = { dedupe: { key: "user-7", ttl: "10m" }, delay: "1m" } as const;
      const first = await queue.enqueue(note, 1, options);
      expect(await queue.enqueue(note, 2, options)).toEqual({ id: first.id, status: "duplicate", runAt: first.runAt });
      await clock.advance("1m");
      await queue.drain();
      expect(await queue.enqueue(note, 3, options)).toEqual({ id: first.id, status: "duplicate", runAt: null });
      await clock.advance("10m");
      const second = await queue.enqueue(note, 4, options);
      expect(second.status).toBe("enqueued");
      await queue.cancel(second.id);
      expect(await queue.enqueue(note, 5, options)).toMatchObject({ status: "enqueued" });
    });

    test("a payload comes back exactly as JSON keeps it", async () => {
      const { queue } = openQueue(kind);
      const payloads = [
        [],
        {},
        "",
        "123",
        "null",
        0,
        -0.5,
        9_007_199_254_740_991,
        null,
        { __proto__x: 1 },
        JSON.parse('{"__proto__":{"a":1}}'),
        "\u0000\ud800 \u{1f600}",
        [[[]]],
      ];
      const jobs = await queue.enqueueMany(payloads.map((payload) => ({ job: note, payload })));
      const stored = await Promise.all(jobs.map(({ id }) => queue.getJob(id)));
      expect(stored.map((job) => JSON.stringify(job?.payload))).toEqual(
        payloads.map((payload) => JSON.stringify(payload)),
      );
    });

    test("more than 1,000 jobs are stored in pieces that report their progress", async () => {
      const { queue } = openQueue(kind);
      const reported: number[] = [];
      const jobs = Array.from({ length: 2_500 }, (_, index) => ({ job: note, payload: index }));
      const results = await queue.enqueueMany(jobs, { onProgress: (done) => reported.push(done) });
      expect(reported).toEqual([1_000, 2_000, 2_500]);
      expect(new Set(results.map(({ id }) => id)).size).toBe(2_500);
      expect(await queue.getStats()).toMatchObject({ readyCount: 2_500 });
    });

    test("jobs of more than 8 MiB together are refused before any is stored, with what to do, and fewer are stored", async () => {
      const { queue } = openQueue(kind);
      const large = (count: number) =>
        Array.from({ length: count }, () => ({ job: note, payload: "x".repeat(256 * 1024) }));
      const small = Array.from({ length: 1_000 }, (_, index) => ({ job: note, payload: index }));
      const failure = await queue.enqueueMany([...small, ...large(40)]).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: "payload_too_large",
        message: expect.stringMatching(/^Jobs 1000 to 1039 are larger than 8 MiB together.*Enqueue fewer at once/),
      });
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0 });
      // Each quote takes twice its bytes where it is sent.
      const quotes = Array.from({ length: 2 }, () => ({ job: note, payload: '"'.repeat(1_200_000) }));
      await expect(queue.enqueueMany(quotes)).rejects.toMatchObject({ code: "payload_too_large" });
      expect(await queue.enqueueMany(large(kind.isEncrypted ? 22 : 30))).toHaveLength(kind.isEncrypted ? 22 : 30);
    });

    test("refuses a payload that does not fit the schema, and stores nothing of a bulk that has one", async () => {
      const { queue } = openQueue(kind);
      const wrong = { to: 7 } as unknown as { to: string };
      const failure = await queue.enqueue(greet, wrong).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(InvalidPayloadError);
      expect(failure).toMatchObject({ code: "invalid_payload", issues: [{ path: ["to"] }] });
      expect((failure as Error).message).not.toMatch(/^Job 0/);
      await expect(
        queue.enqueueMany([
          { job: greet, payload: { to: "Ada" } },
          { job: greet, payload: wrong },
        ]),
      ).rejects.toThrow(/^Job 1: /);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    });

    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    test.each([
      ["an empty id", { id: "" }],
      ["an id of 257 characters", { id: "x".repeat(257) }],
      ["an id with a control character", { id: "a\u0000b" }],
      ["an id that begins with a space", { id: " paused" }],
      ["an id that is a lone surrogate", { id: "\ud800" }],
      ["a delay together with a time", { delay: "1s", runAt: start }],
      ["a delay that is none", { delay: "soon" }],
      ["a negative delay", { delay: -1 }],
      ["a delay beyond 2109", { delay: "40000d" }],
      ["a time without a zone", { runAt: "2030-01-01T00:00:00" }],
      ["30 February", { runAt: "2026-02-30T09:00:00Z" }],
      ["31 April in another zone", { runAt: "2026-04-31T09:00:00+02:00" }],
      ["29 February of a year without one", { runAt: "2027-02-29T00:00:00Z" }],
      ["a time after 2108", { runAt: "2110-01-01T00:00:00Z" }],
      ["a date that is none", { runAt: new Date("x") }],
      ["retries without end", { maxRetries: Number.POSITIVE_INFINITY }],
      ["a timeout of nothing", { timeout: 0 }],
      ["a backoff function", { backoff: () => 1 }],
      ["a dedupe window of nothing", { dedupe: { key: "a", ttl: 0 } }],
      ["a dedupe that replaces perhaps", { dedupe: { key: "a", ttl: 1, replace: "yes" } }],
      ["an option of dedupe that it does not know", { dedupe: { key: "a", ttl: 1, replaces: true } }],
      ["an option it does not know", { dealy: "1s" }],
    ])("refuses %s by name, and stores nothing", async (_, options) => {
      const { queue } = openQueue(kind);
      const failure = await queue.enqueue("note", 1, options as object).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "invalid_request" });
      expect((failure as Error).message).toContain(Object.keys(options)[0]);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    });

    test("refuses payloads above 5 MiB, counted in bytes", async () => {
      const { queue } = openQueue(kind);
      for (const payload of ["x".repeat(6_000_000), "€".repeat(2_000_000)]) {
        await expect(queue.enqueue("note", payload)).rejects.toMatchObject({ code: "payload_too_large" });
      }
      await expect(queue.enqueue("note", "€".repeat(1_700_000))).resolves.toMatchObject({ status: "enqueued" });
    });

    test.each([
      ["a BigInt", 1n],
      ["a cycle", loop],
    ])("refuses %s as payload", async (_, payload) => {
      const { queue } = openQueue(kind);
      await expect(queue.enqueue("note", payload)).rejects.toMatchObject({ code: "invalid_request" });
    });

    test("refuses a job that it does not know, by name or by definition, and stores nothing", async () => {
      const { queue } = openQueue(kind);
      const nobody = defineJob({ name: "nobody", async perform() {} });
      const reason = /No job is named "nobody". This queue knows: greet, note, dies/;
      await expect(queue.enqueue("nobody")).rejects.toThrow(reason);
      await expect(queue.enqueue(nobody, undefined)).rejects.toThrow(reason);
      await expect(queue.enqueueMany([{ job: note, payload: 1 }, { job: nobody }])).rejects.toThrow(
        /^Job 1: No job is named/,
      );
      await expect(queue.schedules.upsert("s", { job: nobody, cron: "0 * * * * *" })).rejects.toThrow(reason);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0 });
    });
  });
});
