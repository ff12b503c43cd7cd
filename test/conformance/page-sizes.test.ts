import { describe, expect, test } from "vitest";
import { encodeRecord } from "../../src/core/job/record.ts";
import type { Store } from "../../src/core/store/store.ts";
import type { JobPage, ListOptions, Queue } from "../../src/index.ts";
import { allPages } from "../support/all-pages.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { note, openQueue } from "./open-queue.ts";

// Upstash limits requests and responses to 10 MB, and a Vercel function its response to 4.5 MB.
const LARGE = "x".repeat(200_000);
const MOST_ANSWERED = 4_500_000;

/** Completes or dead-letters 30 jobs, 6 MB together: one in five is called "few", the others "many". */
async function fill(store: Store, to: "completed" | "dead", count = 30, payload = LARGE): Promise<readonly string[]> {
  const queue = store.open("default");
  const ids = Array.from({ length: count }, (_, index) => `job-${index}`).sort();
  const job = { isFreshId: false, runAt: start, record: "1:{}", leaseEndsAt: start + 60_000 };
  const enqueued = await queue.enqueue(
    ids.map((id) => ({ id, ...job })),
    start,
  );
  const settle = enqueued.map(({ lease }, index) => {
    if (!lease) throw new Error("A job that was to be held is not.");
    const record = encodeRecord({ name: index % 5 ? "many" : "few", payload, enqueuedAt: start });
    return { to, lease, at: start + index, record };
  });
  const rest = { now: start, fire: [], retentionMs: 86_400_000 };
  for (let first = 0; first < count; first += 30)
    await queue.exchange({ ...rest, settle: settle.slice(first, first + 30) });
  return ids;
}

const pagesOf = (queue: Queue, options: ListOptions): Promise<readonly JobPage[]> =>
  allPages((cursor) => queue.listJobs({ ...options, cursor }));

const idsIn = (pages: readonly JobPage[]) => pages.flatMap(({ jobs }) => jobs.map(({ id }) => id)).sort();
const largest = (pages: readonly JobPage[]) => Math.max(...pages.map((page) => JSON.stringify(page).length));

onEachKindOfStore((kind) => {
  describe("dead jobs that exceed the size of one answer together", () => {
    test("are listed in pages of bounded size, and removed", async () => {
      const { store, queue } = openQueue(kind);
      const ids = await fill(store, "dead");
      const pages = await pagesOf(queue, {});
      expect(idsIn(pages)).toEqual(ids);
      expect(largest(pages)).toBeLessThan(MOST_ANSWERED);
      expect(await queue.removeFromDeadLetter({ all: true })).toEqual({ removed: 30 });
    });

    test("are retried by their ids, none of them twice", async () => {
      const { store, queue } = openQueue(kind);
      const ids = await fill(store, "dead");
      expect(await queue.retryFromDeadLetter({ ids: ["nobody", ...ids, ...ids] })).toEqual({ retried: 30 });
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0, readyCount: 30 });
    });

    test("are retried by name, each with a new payload of 1 MiB, and jobs of other names stay as they are", async () => {
      const { store, queue } = openQueue(kind);
      await fill(store, "dead");
      const payload = "y".repeat(1024 * 1024 - 2);
      expect(await queue.retryFromDeadLetter({ name: "few" }, { payload })).toEqual({ retried: 6 });
      const [first] = (await queue.listJobs({ name: "few", limit: 1 })).jobs;
      expect(first?.payload === payload).toBe(true);
      expect(await queue.retryFromDeadLetter({ all: true })).toEqual({ retried: 24 });
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0, readyCount: 30 });
    });
  });

  test("completed jobs that exceed the size of one answer together are listed in pages of bounded size", async () => {
    const { store, queue } = openQueue(kind);
    const ids = await fill(store, "completed");
    const pages = await pagesOf(queue, { state: "completed" });
    expect(idsIn(pages)).toEqual(ids);
    expect(largest(pages)).toBeLessThan(MOST_ANSWERED);
  });

  test("hundreds of small jobs fit in one page, each with its own record", async () => {
    const { queue } = openQueue(kind);
    const payloads = Array.from({ length: 300 }, (_, index) => index);
    await queue.enqueueMany(payloads.map((payload) => ({ job: note, payload })));
    const { jobs } = await queue.listJobs({ state: "ready", limit: 300 });
    expect(jobs.map(({ payload }) => payload)).toEqual(payloads);
  });

  test("completed jobs of one name are listed once each, whatever lies between them", async () => {
    const { store, queue } = openQueue(kind);
    await fill(store, "completed", 600, "x".repeat(100));
    const listed = idsIn(await pagesOf(queue, { state: "completed", name: "few", limit: 50 }));
    expect([listed.length, new Set(listed).size]).toEqual([120, 120]);
  });
});
