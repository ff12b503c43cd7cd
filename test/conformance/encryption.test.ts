import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { pagesOf } from "../../src/core/shared/pages.ts";
import {
  defineJob,
  type EncryptionOptions,
  type JobContext,
  type Logger,
  memoryStore,
  PermanentError,
  Producer,
  Queue,
  type QueueOptions,
  type Store,
} from "../../src/index.ts";
import { Documents } from "../../src/qstash/shared/documents.ts";
import { drainAll, expectEnqueued, testClock } from "../../src/testing/index.ts";
import { allPages } from "../support/all-pages.ts";
import { start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { RespClient } from "../support/resp.ts";
import { encrypting, onEachPlainStore, testKeys, useRedis } from "../support/stores.ts";

const k1: EncryptionOptions = { current: "k1", keys: { k1: testKeys.k1 } };
const k2: EncryptionOptions = { current: "k2", keys: testKeys };
const minute = 60_000;
const day = 24 * 60 * minute;

/** Stands in everything that a user gives to a queue. */
const CANARY = "canary-7f3a";

const echo = defineJob({ name: "echo", perform: (payload: unknown) => payload });
const fails = defineJob({
  name: "fails",
  maxRetries: 1,
  backoff: { base: "1m" },
  perform: (_: unknown) => Promise.reject(new TypeError(`no luck with ${CANARY}`)),
});
const stepped = defineJob({
  name: "stepped",
  async perform(_: unknown, job: JobContext) {
    job.log(`line ${CANARY}`, { data: CANARY });
    await job.progress({ done: CANARY });
    const first = await job.step("first", () => `step ${CANARY}`);
    const signal = await job.waitFor("reply", { timeout: "1h" });
    return { first, signal };
  },
});
const jobs = [echo, fails, stepped];

/** The parameters of an exchange that does nothing. */
const nothing = { settle: [], fire: [], retentionMs: day };

/** How many records all steps of a pass have encrypted. */
async function allRekeyed(queue: Queue): Promise<number> {
  let rekeyed = 0;
  for await (const step of pagesOf((cursor) => queue.rekey({ cursor, limit: 5 }))) rekeyed += step.rekeyed;
  return rekeyed;
}

/** Opens queues on one store, whose clock is moved by hand. */
function setUp(store: Store) {
  const clock = testClock(start);
  const watched = clock.watch(store);
  const lines: string[] = [];
  const line = (text: string) => void lines.push(text);
  const logger: Logger = { warn: line, error: line };
  const open = (encryption: EncryptionOptions | undefined, options: Partial<QueueOptions> = {}) =>
    new Queue({ store: watched, clock, jobs, logger, encryption, ...options });
  /** The record of a job as it is stored. */
  const stored = async (id: string) => (await store.open("default").find(id, clock()))?.record ?? "";
  /** Replaces the record of a job that waits, as one can who may write to the database. */
  const overwrite = async (id: string, record: string) => {
    const raw = store.open("default");
    const job = await raw.find(id, clock());
    if (!job) throw new Error("There is no such job.");
    const { at, claims, flow } = job;
    await raw.change({ id, from: { at, claims }, runAt: at, record, ...(flow && { flow }) });
  };
  return { clock, lines, open, stored, overwrite, store: watched };
}

onEachPlainStore((kind) => {
  describe("with encryption", () => {
    test("everything that a job holds is read as it was written", async () => {
      const { clock, open, stored } = setUp(kind.create());
      const queue = open(k1);
      const payload = { to: CANARY, "~payload": "k1.AAAA", text: '"~result":"k1.AAAA"', emoji: "🔐\u2028" };
      const { id } = await queue.enqueue(echo, payload);
      expect(await stored(id)).toMatch(/^4:\{"name":"echo","~payload":"k1\.[A-Za-z0-9+/=]+","enqueuedAt":\d+\}$/);
      await queue.drain();
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", payload, result: payload });
      const dying = await queue.enqueue(fails, [CANARY]);
      await queue.drain();
      await clock.advance(minute);
      await queue.drain();
      expect(await queue.getJob(dying.id)).toMatchObject({
        state: "dead",
        payload: [CANARY],
        errors: [{ name: "TypeError", message: `no luck with ${CANARY}`, attempt: 1 }, { attempt: 2 }],
        error: { message: `no luck with ${CANARY}` },
      });
      const { failures } = await queue.getFailures();
      expect(failures).toMatchObject([
        { name: "fails", count: 1, error: { name: "TypeError", message: "no luck with #" } },
      ]);
      await queue.retryFromDeadLetter(dying.id, { payload: ["other"] });
      await expectEnqueued(queue, fails, { payload: ["other"] });
      expect(await stored(dying.id)).not.toContain("other");
    });

    test("a queue without the keys shows a lock instead of what is encrypted, and what is not", async () => {
      const { clock, open } = setUp(kind.create());
      const queue = open(k1);
      const done = await queue.enqueue(echo, { to: CANARY });
      const dying = await queue.enqueue(fails, CANARY);
      await queue.drain();
      await clock.advance(minute);
      await queue.drain();
      await queue.schedules.upsert("nightly", { job: echo, payload: CANARY, cron: "0 0 * * *" });
      for (const other of [open(undefined), open({ current: "k2", keys: { k2: testKeys.k2 } })]) {
        expect(await other.getJob(done.id)).toMatchObject({
          name: "echo",
          payload: { encrypted: "k1" },
          result: { encrypted: "k1" },
          encrypted: "k1",
        });
        const { jobs: dead } = await other.listDeadLetter();
        expect(dead).toMatchObject([
          { encrypted: "k1", error: { name: "TypeError", message: 'Encrypted with the key "k1".' }, attempts: 2 },
        ]);
        expect((await other.getFailures()).failures).toMatchObject([{ name: "fails", count: 1 }]);
        expect(await other.schedules.list()).toMatchObject([{ key: "nightly", payload: { encrypted: "k1" } }]);
        await expect(other.schedules.pause("nightly")).rejects.toMatchObject({ code: "conflict" });
        await expect(other.retryFromDeadLetter(dying.id, { payload: 1 })).rejects.toThrow(
          'is encrypted with the key "k1", which this queue lacks',
        );
      }
      // Without its payload a dead job can be retried by anyone, and stays as it is.
      await open(undefined).retryFromDeadLetter(dying.id);
      expect(await queue.getJob(dying.id)).toMatchObject({ state: "ready", payload: CANARY });
    });

    test("a drain without the key hands a job back, with no attempt used, and one with it performs it", async () => {
      const { clock, lines, open } = setUp(kind.create());
      const { id } = await open(k2).enqueue(echo, CANARY);
      const behind = open(k1);
      expect(await behind.drain()).toMatchObject({ claimed: 1, snoozed: 1, deadLettered: 0 });
      expect(lines).toEqual([expect.stringContaining(`Job "echo" (${id}) is encrypted with the key "k2"`)]);
      expect(await behind.getJob(id)).toMatchObject({
        state: "scheduled",
        attempts: 0,
        runAt: new Date(start + minute),
      });
      await clock.advance(day - minute);
      expect(await behind.drain()).toMatchObject({ snoozed: 1 });
      expect(lines).toHaveLength(1);
      await clock.advance(minute);
      expect(await open(k2).drain()).toMatchObject({ completed: 1 });
      expect(await open(k2).getJob(id)).toMatchObject({ result: CANARY, attempts: 1 });
    });

    test("a job is dead once its key has been missing for a day, and a retry gives it another day", async () => {
      const { clock, open } = setUp(kind.create());
      const { id } = await open(k2).enqueue(echo, CANARY);
      const behind = open(undefined);
      await behind.drain();
      await clock.advance(day - 1);
      expect(await behind.drain()).toMatchObject({ snoozed: 1, deadLettered: 0 });
      await clock.advance(minute);
      expect(await behind.drain()).toMatchObject({ deadLettered: 1 });
      expect(await open(k2).getJob(id)).toMatchObject({
        state: "dead",
        payload: CANARY,
        error: {
          name: "DecryptionError",
          message: expect.stringContaining("Drains without it have claimed the job for a day"),
        },
      });
      await behind.retryFromDeadLetter(id);
      expect(await behind.drain()).toMatchObject({ snoozed: 1 });
      await clock.advance(minute);
      expect(await open(k2).drain()).toMatchObject({ completed: 1 });
    });

    test("a parent that only deployments without its key have claimed has not begun: it waits for a retried child", async () => {
      const { clock, open } = setUp(kind.create());
      const children = [{ job: fails, payload: CANARY, maxRetries: 0 }];
      const { id } = await open(k2).enqueue(echo, CANARY, { children });
      await open(k2).drain({ maxJobs: 1 });
      await open(k2).pauseJobs("echo");
      expect(await open(k2).drain()).toMatchObject({ released: 1 });
      await open(k2).resumeJobs("echo");
      for (const _ of [1, 2]) {
        expect(await open(k1).drain()).toMatchObject({ snoozed: 1 });
        await clock.advance(minute);
      }
      await open(k2).retryFromDeadLetter({ all: true });
      expect(await open(k2).getJob(id)).toMatchObject({ runAt: null, attempts: 0, children: { pending: 1 } });
      await open(k2).drain();
      await open(k2).drain();
      expect(await open(k2).getJob(id)).toMatchObject({ state: "completed", attempts: 1, children: { dead: 1 } });
    });

    test("a deployment that has the key starts the day anew", async () => {
      const { clock, open } = setUp(kind.create());
      const { id } = await open(k2).enqueue(fails, CANARY, { maxRetries: 5, backoff: { type: "fixed", base: "1m" } });
      await open(k1).drain();
      await clock.advance(day);
      await open(k2).drain();
      await clock.advance(minute);
      expect(await open(k1).drain()).toMatchObject({ snoozed: 1, deadLettered: 0 });
      expect(await open(k2).getJob(id)).toMatchObject({ attempts: 1, state: "scheduled" });
    });

    test("a text that was changed, or copied from another job, is dead at once", async () => {
      const { open, stored, overwrite } = setUp(kind.create());
      const queue = open(k1);
      const [one, other, changed] = await Promise.all(
        ["one", "other", "changed"].map((text) => queue.enqueue(echo, text)),
      );
      if (!one || !other || !changed) throw new Error("Three jobs were enqueued.");
      const sealed = async (id: string) => /"~payload":"([^"]*)"/.exec(await stored(id))?.[1] ?? "";
      const [ofOne, ofOther, ofChanged] = [await sealed(one.id), await sealed(other.id), await sealed(changed.id)];
      await overwrite(one.id, (await stored(one.id)).replace(ofOne, ofOther));
      const flipped = ofChanged.replace(/.(?=.{8}$)/, (character) => (character === "A" ? "B" : "A"));
      await overwrite(changed.id, (await stored(changed.id)).replace(ofChanged, flipped));
      expect(await queue.drain()).toMatchObject({ completed: 1, deadLettered: 2 });
      for (const { id } of [one, changed])
        expect(await queue.getJob(id)).toMatchObject({
          state: "dead",
          payload: { encrypted: "k1" },
          error: {
            name: "DecryptionError",
            message: expect.stringContaining("was changed, or copied from another job"),
          },
        });
    });

    test("what is not a cipher text never becomes a payload", async () => {
      const { open, stored, overwrite } = setUp(kind.create());
      const queue = open(k1);
      const { id } = await queue.enqueue(echo, CANARY);
      for (const text of ["", "garbage", "k1", "k1.", "k1.====", "k1.AAAA", "k9.AAAA"]) {
        await overwrite(id, (await stored(id)).replace(/"~payload":"[^"]*"/, `"~payload":"${text}"`));
        expect(await queue.getJob(id)).toMatchObject({ encrypted: expect.any(String) });
      }
      expect(await queue.drain()).toMatchObject({ snoozed: 1, completed: 0 });
    });

    test("the result of a step does not decrypt as that of another one", async () => {
      const { clock, open, stored, overwrite } = setUp(kind.create());
      const two = defineJob({
        name: "two",
        async perform(_: unknown, job: JobContext) {
          await job.step("a", () => "of a");
          await job.step("b", () => "of b");
          await job.sleep("1m");
        },
      });
      const queue = open(k1, { jobs: [two] });
      const { id } = await queue.enqueue(two);
      await queue.drain();
      const record = await stored(id);
      const [a = "", b = ""] = [...record.matchAll(/"~result":"([^"]*)"/g)].map(([, text]) => text);
      await overwrite(id, record.replace(a, "-").replace(b, a).replace("-", b));
      await clock.advance(minute);
      expect(await queue.drain()).toMatchObject({ deadLettered: 1 });
    });

    test("records from before encryption are read as they are, and encrypted when they are written", async () => {
      const { clock, open, stored } = setUp(kind.create());
      const plain = await open(undefined).enqueue(fails, { "~payload": "k1.AAAA" });
      expect(await stored(plain.id)).toContain('"payload":{"~payload":"k1.AAAA"}');
      const queue = open(k1);
      await queue.drain();
      expect(await stored(plain.id)).not.toContain("AAAA");
      expect(await queue.getJob(plain.id)).toMatchObject({ payload: { "~payload": "k1.AAAA" }, attempts: 1 });
      await clock.advance(minute);
    });

    test("a schedule's jobs are read, whoever fires it, and none of another schedule", async () => {
      const { clock, open, stored, overwrite } = setUp(kind.create());
      const queue = open(k1);
      const every = { job: echo, cron: "* * * * *" } as const;
      await queue.schedules.upsert("planned", { ...every, payload: CANARY });
      await queue.schedules.upsert("decided", { ...every, payload: `${CANARY}-2`, overlap: "skip" });
      await clock.advance(minute);
      await queue.drain();
      const { jobs: completed } = await queue.listJobs({ state: "completed" });
      expect(completed.map(({ result }) => result).sort()).toEqual([CANARY, `${CANARY}-2`]);
      await queue.schedules.pause("planned");
      await queue.schedules.resume("planned");
      expect(await queue.schedules.list()).toMatchObject([{ payload: `${CANARY}-2` }, { payload: CANARY }]);
      await clock.advance(1_000);
      const [planned, decided] = [await queue.schedules.run("planned"), await queue.schedules.run("decided")];
      const swapped = /"~payload":"([^"]*)"/;
      const ofDecided = swapped.exec(await stored(decided.id))?.[0] ?? "";
      await overwrite(planned.id, (await stored(planned.id)).replace(swapped, ofDecided));
      expect(await queue.drain()).toMatchObject({ completed: 1, deadLettered: 1 });
    });

    test("a debounced job has the payload of the last call", async () => {
      const { open, stored } = setUp(kind.create());
      const queue = open(k1);
      const dedupe = { key: "row-7", ttl: "1m", replace: true } as const;
      const first = await queue.enqueue(echo, "one", { dedupe });
      const second = await queue.enqueue(echo, "two", { dedupe });
      expect(second).toMatchObject({ status: "replaced", id: first.id });
      // A deployment from before encryption was switched on replaces it as well.
      expect(await open(undefined).enqueue(echo, "three", { dedupe })).toMatchObject({ status: "replaced" });
      expect(await queue.enqueue(echo, "four", { dedupe })).toMatchObject({ status: "replaced" });
      expect(await stored(first.id)).not.toContain("four");
      await queue.drain();
      expect(await queue.getJob(first.id)).toMatchObject({ result: "four" });
    });

    test("children, jobs of an outcome and documents are encrypted, each for itself", async () => {
      const { open, stored } = setUp(kind.create());
      const makes = defineJob({
        name: "makes",
        perform: (payload: unknown, job: JobContext) => job.enqueue(echo, payload),
      });
      const queue = open(k1, { jobs: [...jobs, makes] });
      const parent = await queue.enqueue(echo, "parent", { children: [{ job: echo, payload: CANARY }] });
      const { id } = await queue.enqueue(makes, CANARY);
      const { jobs: children } = await queue.listChildren(parent.id);
      expect(await stored(children[0]?.id ?? "")).not.toContain(CANARY);
      await drainAll(queue);
      expect(await queue.listChildren(parent.id)).toMatchObject({ jobs: [{ result: CANARY }] });
      const made = (await queue.getJob(id))?.result as string;
      expect(await queue.getJob(made)).toMatchObject({ payload: CANARY, result: CANARY });
      const documents = new Documents(internalsOf(queue));
      await documents.update("notes", "a", () => ({ value: CANARY }));
      expect(await documents.get("notes", "a")).toMatchObject({ value: CANARY });
      await expect(new Documents(internalsOf(open(undefined))).get("notes", "a")).rejects.toThrow(
        'The notes "a" is encrypted with the key "k1"',
      );
    });

    test("a producer encrypts, too", async () => {
      const { clock, open, stored, store } = setUp(kind.create());
      const producer = new Producer({ store, jobs, clock, encryption: k1 });
      const { id } = await producer.enqueue(echo, CANARY);
      expect(await stored(id)).not.toContain(CANARY);
      expect(await open(k1).getJob(id)).toMatchObject({ payload: CANARY });
    });

    test("what has not changed keeps its cipher text, so that a resend is recognized", async () => {
      const { clock, open, stored, store } = setUp(kind.create());
      const { id } = await open(k1).enqueue(fails, CANARY);
      const sent = await stored(id);
      const sealed = encrypting(store, k1).open("default");
      await sealed.peek(clock());
      const [leased] = (await sealed.exchange({ ...nothing, now: clock(), claim: { limit: 1, leaseMs: minute } })).jobs;
      if (!leased) throw new Error("The job is due.");
      const record = `${leased.record.slice(0, -1)},"progress":"${CANARY}"}`;
      const settle = [{ to: "retried", lease: leased.lease, runAt: clock(), record }] as const;
      expect(await sealed.settle({ ...nothing, now: clock(), settle })).toMatchObject({ settled: [true] });
      expect((await stored(id)).startsWith(`${sent.slice(0, -1)},`)).toBe(true);
      const again = { ...nothing, now: clock(), settle, isResend: true };
      expect(await sealed.settle(again)).toMatchObject({ settled: [true] });
    });

    test("rekey encrypts everything with the current key, in steps, and then the old one can go", async () => {
      const { clock, open } = setUp(kind.create());
      const before = open(k1);
      const plain = await open(undefined).enqueue(echo, CANARY, { delay: "1h" });
      const waiting = await before.enqueueMany(
        Array.from({ length: 7 }, (_, index) => ({ job: echo, payload: `${CANARY}-${index}`, delay: "1h" as const })),
      );
      const keyed = await before.enqueue(echo, CANARY, { delay: "1h", flowControl: { key: "tenant", concurrency: 1 } });
      const parent = await before.enqueue(echo, CANARY, { children: [{ job: echo, payload: CANARY, delay: "1h" }] });
      await before.schedules.upsert("planned", { job: echo, payload: CANARY, cron: "0 * * * *" });
      await before.schedules.upsert("decided", { job: echo, payload: CANARY, cron: "0 * * * *", overlap: "skip" });
      const documents = new Documents(internalsOf(before));
      await documents.change([{ kind: "notes", name: "a", value: "a" }]);
      await documents.change([{ kind: "notes", name: "b", value: "b", ttl: "2h" }]);
      const [dying, done] = [await before.enqueue(fails, CANARY), await before.enqueue(echo, CANARY)];
      await before.drain();
      await clock.advance(minute);
      await before.drain();

      const now = open(k2);
      const schedules = await now.schedules.list();
      const steps = await allPages((cursor) => now.rekey({ cursor, limit: 3 }));
      expect(steps.reduce((sum, { rekeyed }) => sum + rekeyed, 0)).toBe(1 + waiting.length + 3 + 2 + 2 + 2);
      expect(steps.length).toBeGreaterThan(8);
      expect(await allRekeyed(now)).toBe(0);
      expect(await now.schedules.list()).toEqual(schedules);

      const after = open({ current: "k2", keys: { k2: testKeys.k2 } });
      const ids = [plain, ...waiting, keyed, parent, dying, done].map(({ id }) => id);
      for (const id of ids) expect(await after.getJob(id)).toMatchObject({ payload: expect.stringContaining(CANARY) });
      const kept = new Documents(internalsOf(after));
      expect((await kept.list("notes")).items).toMatchObject([{ value: "a" }, { value: "b" }]);
      await clock.advance("1h");
      expect(await drainAll(after)).toMatchObject({ deadLettered: 0 });
      expect(await after.getStats()).toMatchObject({ pendingCount: 0, deadLetterCount: 1, completedCount: 14 });
      await clock.advance("2h");
      expect(await kept.get("notes", "b")).toBeUndefined();
      // Completed jobs still expire.
      await clock.advance("24h");
      expect(await after.getJob(done.id)).toBeNull();
    });

    test("rekey leaves alone what has changed since it was read, and what it cannot decrypt", async () => {
      const { clock, open, store } = setUp(kind.create());
      const before = open(k1);
      const { id } = await before.enqueue(echo, "old");
      await before.enqueue(echo, "locked", { id: "locked" });
      const raw = store.open("default");
      const found = await raw.find(id, clock());
      await before.update(id, { payload: "new" });
      const rewrite = { id, from: found?.record ?? "", record: "1:{}" };
      expect(await raw.rewrite("ready", [rewrite])).toEqual([false]);
      expect(await raw.rewrite("completed", [rewrite])).toEqual([false]);
      expect(await allRekeyed(open({ current: "k2", keys: { k2: testKeys.k2 } }))).toBe(0);
      expect(await before.getJob(id)).toMatchObject({ payload: "new" });
      expect(await allRekeyed(open(k2))).toBe(2);
      await expect(open(undefined).rekey()).rejects.toMatchObject({ code: "invalid_request" });
      await expect(open(k1).rekey({ cursor: "nowhere:" })).rejects.toMatchObject({ code: "invalid_request" });
    });

    test("rekey beside drains loses nothing", async () => {
      const { clock, open } = setUp(kind.create());
      const before = open(k1);
      const sent = Array.from({ length: 60 }, (_, index) => ({
        job: index % 3 ? echo : fails,
        payload: CANARY,
        id: `job-${index}`,
      }));
      await before.enqueueMany(sent);
      const now = open(k2);
      for (let round = 0; round < 3; round++) {
        await Promise.all([before.drain({ maxJobs: 20 }), now.drain({ maxJobs: 20 }), allRekeyed(now), now.drain()]);
        await clock.advance(minute);
      }
      // The deployment without the new key is gone.
      await drainAll(now, { clock });
      await allRekeyed(now);
      const after = open({ current: "k2", keys: { k2: testKeys.k2 } });
      expect(await after.getStats()).toMatchObject({ pendingCount: 0, completedCount: 40, deadLetterCount: 20 });
      for (const { id } of sent) expect(await after.getJob(id)).toMatchObject({ payload: CANARY });
    });
  });
});

describe("a wait and its signal", () => {
  test.each(["kept", "awaited"])("a signal that was %s arrives decrypted, in a job with steps", async (when) => {
    const { open, stored } = setUp(memoryStore());
    const queue = open(k1);
    const { id } = await queue.enqueue(stepped, CANARY);
    if (when === "kept") await queue.signal("reply", { data: CANARY });
    await queue.drain();
    if (when === "awaited") await queue.signal("reply", { data: CANARY });
    expect(await stored(id)).not.toContain(CANARY);
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({
      state: "completed",
      result: { first: `step ${CANARY}`, signal: { data: CANARY } },
      logs: [{ message: `line ${CANARY}` }, {}],
    });
  });

  test("a signal with encrypted data locks a job for a queue without the key", async () => {
    const { open } = setUp(memoryStore());
    const without = open(undefined);
    const { id } = await without.enqueue(stepped, CANARY);
    await without.drain();
    await open(k1).signal("reply", CANARY);
    expect(await without.drain()).toMatchObject({ snoozed: 1, completed: 0 });
    expect(await without.getJob(id)).toMatchObject({ state: "scheduled" });
  });

  test("a plain signal to an encrypted job is read, whatever its data looks like", async () => {
    const { open } = setUp(memoryStore());
    const queue = open(k1);
    const { id } = await queue.enqueue(stepped, 1);
    await queue.drain();
    const data = { a: 1, "~data": "k1.AAAA", "~payload": "k9.AAAA" };
    await open(undefined).signal("reply", data);
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: { signal: data } });
  });
});

describe("in Redis", () => {
  const redis = useRedis();

  /** Everything in the database, in one text. */
  async function dump(): Promise<string> {
    const client = await RespClient.connect(redis.server.port);
    const texts: unknown[] = [];
    for (const key of (await client.send(["KEYS", "*"])) as string[]) {
      const type = String(await client.send(["TYPE", key]));
      const read = { hash: ["HGETALL", key], zset: ["ZRANGE", key, "0", "-1"], string: ["GET", key] }[type];
      if (!read) throw new Error(`The key ${key} has the type ${type}.`);
      texts.push(key, await client.send(read));
    }
    client.close();
    return JSON.stringify(texts);
  }

  test("nothing that a user gives to a queue can be read in the database", async () => {
    const { clock, open } = setUp(redis.store());
    const dies = defineJob({
      name: "dies",
      perform: (_: unknown, job: JobContext) => {
        job.log(CANARY);
        throw new PermanentError(CANARY);
      },
    });
    const queue = open(k1, { jobs: [...jobs, dies] });
    const payload = { to: CANARY };
    const seen: string[] = [];
    const look = async () => void seen.push(await dump());
    await queue.schedules.upsert("nightly", { job: echo, payload, cron: "* * * * *" });
    await queue.schedules.upsert("decided", { job: echo, payload, cron: "* * * * *", overlap: "skip" });
    await queue.enqueue(echo, payload, { children: [{ job: echo, payload }] });
    await queue.enqueue(dies, payload);
    await queue.enqueue(fails, payload);
    await queue.enqueue(stepped, payload);
    await queue.enqueue(echo, payload, { flowControl: { key: "tenant", concurrency: 1 } });
    await internalsOf(queue).enqueueHeld([{ job: echo, payload }]);
    await new Documents(internalsOf(queue)).update("notes", "a", () => ({ value: CANARY }));
    await queue.signal("nobody", payload);
    await look();
    await queue.drain();
    await look();
    await queue.signal("reply", payload);
    await look();
    await clock.advance(minute);
    await queue.drain();
    await clock.advance(minute);
    await queue.drain();
    await look();
    const stats = await queue.getStats();
    expect(stats).toMatchObject({ deadLetterCount: 2, runningCount: 0 });
    expect(stats.completedCount).toBeGreaterThan(5);
    for (const text of seen) expect(text).not.toContain(CANARY);
    for (const text of seen) expect(text).toContain("nightly");
  });

  test("a rekey reaches a job that runs because its request leased it", async () => {
    const { open } = setUp(redis.store());
    const { held } = await internalsOf(open(k1)).enqueueHeld([{ job: echo, payload: CANARY }]);
    expect(held).toHaveLength(1);
    expect(await allRekeyed(open(k2))).toBe(1);
  });

  test("a completed job still expires in Redis after a rekey", async () => {
    const { open } = setUp(redis.store("rekeyed"));
    const { id } = await open(k1).enqueue(echo, CANARY);
    await open(k1).drain();
    expect(await allRekeyed(open(k2))).toBe(1);
    const client = await RespClient.connect(redis.server.port);
    const [ttl] = (await client.send(["HTTL", "rekeyed:{default}:jobs", "FIELDS", "1", id])) as number[];
    client.close();
    expect(ttl).toBeGreaterThan(80_000);
  });

  test("encryption costs no command", async () => {
    const work = async (encryption: EncryptionOptions | undefined) => {
      const { clock, open } = setUp(redis.store());
      const queue = open(encryption);
      await queue.enqueue(echo);
      await queue.drain();
      const { byName } = await countCommands(redis.server.port, async () => {
        await queue.enqueueMany(Array.from({ length: 20 }, (_, index) => ({ job: echo, payload: { index } })));
        await queue.enqueue(fails, CANARY);
        await queue.enqueue(stepped, CANARY, { id: "one" });
        await queue.enqueue(echo, CANARY, { dedupe: { key: "a", ttl: "1m", replace: true } });
        await queue.schedules.upsert("nightly", { job: echo, payload: CANARY, cron: "* * * * *" });
        await queue.drain();
        await queue.signal("reply", CANARY);
        await clock.advance(minute);
        await queue.drain();
        await clock.advance(minute);
        await queue.drain();
        await queue.getJob("one");
        await queue.listDeadLetter();
        await queue.getFailures();
      });
      return byName;
    };
    // The first run loads the scripts.
    await work(undefined);
    expect(await work(k1)).toEqual(await work(undefined));
  });
});

describe("the option", () => {
  const store = memoryStore();
  const key = testKeys.k1;

  test.each([
    [{ current: "k2", keys: { k1: key } }, "encryption.current must be the name of one of encryption.keys"],
    [
      { current: "k1", keys: { k1: "c2VjcmV0LXNlY3JldA==" } },
      'The key "k1" of encryption.keys must be 32 bytes in base64',
    ],
    [{ current: "k1", keys: { k1: 7 } }, "must be 32 bytes in base64"],
    [{ current: "k1", keys: [] }, "encryption.keys must be an object"],
    [{ current: "a.b", keys: { "a.b": key } }, "Each name in encryption.keys"],
    [{ current: "k1", keys: { k1: key }, mode: "x" }, 'Unknown option "mode" in encryption'],
    ["k1", "encryption takes an object"],
  ])("%j is refused, and the message has no key", (encryption, message) => {
    const make = () => new Queue({ store, encryption: encryption as never });
    expect(make).toThrow(message);
    expect(make).not.toThrow("c2VjcmV0");
  });

  test("the caller's object may change afterwards", async () => {
    const keys = { k1: key };
    const queue = new Queue({ store: memoryStore(), jobs, logger: null, encryption: { current: "k1", keys } });
    keys.k1 = testKeys.k2;
    const { id } = await queue.enqueue(echo, CANARY);
    keys.k1 = key;
    expect(await queue.getJob(id)).toMatchObject({ payload: CANARY });
  });
});
