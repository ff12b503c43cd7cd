import { expect, test } from "vitest";
import { encodeRecord } from "../../src/core/job/record.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { MEBIBYTE, MOST_LISTED_BYTES } from "../../src/core/shared/limits.ts";
import type { JobState, NewJob, QueueStore } from "../../src/core/store/store.ts";
import { Queue } from "../../src/index.ts";
import { Documents } from "../../src/qstash/shared/documents.ts";
import { start as now } from "../support/clock.ts";
import { watchCommands } from "../support/command-watch.ts";
import { useRedis } from "../support/stores.ts";

// How many large records Redis reads for one page. While it reads them, everybody else waits.

const redis = useRedis();
const LARGE = "x".repeat(MEBIBYTE / 2);

/** How many records a script has read: the fields of its HMGETs, and those that its HSCANs asked for. */
async function recordsRead(action: () => Promise<unknown>): Promise<number> {
  const commands = await watchCommands(redis.server.port, action);
  return commands
    .map(([name = "", ...args]) => (name === "HMGET" ? args.length - 1 : name === "HSCAN" ? Number(args.at(-1)) : 0))
    .reduce((sum, read) => sum + read, 0);
}

const record = (payload: string) => encodeRecord({ name: "noop", payload, enqueuedAt: now });

async function enqueue(queue: QueueStore, payloads: readonly string[], runAt = now): Promise<void> {
  for (const [index, payload] of payloads.entries()) {
    const id = `job-${String(index).padStart(3, "0")}`;
    await queue.enqueue([{ id, isFreshId: true, runAt, record: record(payload) }], now);
  }
}

/** Ends jobs under leases of their own, a few at a time. */
async function end(
  queue: QueueStore,
  to: "completed" | "dead",
  payloads: readonly string[],
  observe: boolean,
): Promise<void> {
  for (const [index, payload] of payloads.entries()) {
    const job: NewJob = {
      id: `job-${index}`,
      isFreshId: true,
      runAt: now,
      record: record(""),
      leaseEndsAt: now + 60_000,
    };
    const [reply] = await queue.enqueue([job], now);
    const lease = reply?.lease;
    if (!lease) throw new Error("A job that was to be held is not.");
    const ended = { lease, at: now, record: record(payload) };
    const outcome = to === "dead" ? ({ ...ended, to, group: "00000000000" } as const) : { ...ended, to };
    await queue.settle({ now, settle: [outcome], retentionMs: 60_000, observe });
  }
}

const page = (limit: number) => ({ cursor: undefined, limit, mostBytes: MOST_LISTED_BYTES, now });
const many = (count: number) => Array.from({ length: count }, () => LARGE);

test.each<JobState>(["ready", "scheduled"])(
  "a page of %s jobs of 512 KiB reads a sample of 20 besides what fits",
  async (state) => {
    const queue = redis.store().open("default");
    await enqueue(queue, many(40), state === "ready" ? now : now + 60_000);
    const read = await recordsRead(async () => {
      const { items, cursor } = await queue.list(state, page(40));
      expect(items).toHaveLength(5);
      expect(cursor).toBeDefined();
    });
    expect(read).toBeLessThanOrEqual(20 + 8);
  },
);

test("a job that is larger than a page is a page of its own", async () => {
  const queue = redis.store().open("default");
  await enqueue(queue, ["x".repeat(MOST_LISTED_BYTES + 1), "", ""]);
  const first = await queue.list("ready", page(10));
  expect(first.items.map(({ id }) => id)).toEqual(["job-000"]);
  expect((await queue.list("ready", { ...page(10), cursor: first.cursor })).items).toHaveLength(2);
});

test("large jobs behind many small ones are not read with them", async () => {
  const queue = redis.store().open("default");
  await enqueue(queue, [...Array.from({ length: 100 }, () => ""), ...many(40)]);
  const read = await recordsRead(async () => expect((await queue.list("ready", page(500))).items.length).toBe(105));
  expect(read).toBeLessThanOrEqual(105 + 24);
});

test("a page of dead jobs of 512 KiB reads a sample of 20 besides what fits, and so do one of their group and their ids", async () => {
  const queue = redis.store().open("default");
  await end(queue, "dead", many(40), true);
  const ids = Array.from({ length: 40 }, (_, index) => `job-${index}`);
  const reads = [
    () => queue.list("dead", page(40)),
    () => queue.list("dead", { ...page(40), group: "00000000000" }),
    () => queue.findEach(ids, MOST_LISTED_BYTES, now, true),
  ];
  for (const read of reads) expect(await recordsRead(read)).toBeLessThanOrEqual(20 + 8);
});

test.each([true, false])(
  "a page of completed jobs of 512 KiB reads about 20 of them at once (observed: %s)",
  async (observe) => {
    const queue = redis.store().open("default");
    await end(queue, "completed", many(40), observe);
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const read = await recordsRead(async () => {
        const next = await queue.list("completed", { ...page(40), cursor });
        ids.push(...next.items.map(({ id }) => id));
        cursor = next.cursor;
      });
      expect(read).toBeLessThanOrEqual(20 + 8);
    } while (cursor !== undefined);
    expect(new Set(ids).size).toBe(40);
  },
);

test("a page of documents of 512 KiB reads a sample of 20 besides what fits", async () => {
  const documents = new Documents(internalsOf(new Queue({ store: redis.store(), clock: () => now })));
  const value = LARGE;
  for (let index = 0; index < 40; index++) await documents.change([{ kind: "notes", name: `n${index}`, value }]);
  expect(await recordsRead(() => documents.list("notes"))).toBeLessThanOrEqual(20 + 8);
});
