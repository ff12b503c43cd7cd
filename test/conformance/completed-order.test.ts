import { expect, test } from "vitest";
import type { AnyJob, QueueOptions } from "../../src/index.ts";
import { type JobState, Queue } from "../../src/index.ts";
import { allPages } from "../support/all-pages.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { dies, note, openQueue } from "./open-queue.ts";

/** All jobs of a state in pages of two, as their payloads. */
async function listed(queue: Queue, state: JobState): Promise<readonly unknown[]> {
  const pages = await allPages((cursor) => queue.listJobs({ state, limit: 2, cursor }));
  return pages.flatMap(({ jobs }) => jobs.map(({ payload }) => payload));
}

onEachKindOfStore((kind) => {
  /** A queue that has run seven jobs, a second apart, each of them stored by itself. */
  async function ran(job: AnyJob, options: Partial<QueueOptions> = {}) {
    const opened = openQueue(kind, options);
    for (let number = 1; number <= 7; number++) {
      await opened.queue.enqueue(job, number);
      await opened.queue.drain();
      await opened.clock.advance("1s");
    }
    return opened;
  }

  test.each<[JobState, AnyJob]>([
    ["completed", note],
    ["dead", dies],
  ])("%s jobs are listed newest first", async (state, job) => {
    const { queue } = await ran(job);
    expect(await listed(queue, state)).toEqual([7, 6, 5, 4, 3, 2, 1]);
  });

  test("completed jobs that are not observed are listed newest first too", async () => {
    const { queue } = await ran(note, { observe: false });
    expect(await listed(queue, "completed")).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(await queue.getStats()).toMatchObject({ completedCount: 7 });
  });

  test("what is kept no longer is not listed, nor what was cleared", async () => {
    const { queue, clock, store } = openQueue(kind, { retention: "1h" });
    await queue.enqueue(note, "before");
    await queue.drain();
    await clock.advance("61m");
    expect(await listed(queue, "completed")).toEqual([]);
    await queue.enqueue(note, "after");
    await queue.drain();
    expect(await listed(queue, "completed")).toEqual(["after"]);
    await new Queue({ store, clock, jobs: [note] }).clear({ state: "completed" });
    expect(await listed(queue, "completed")).toEqual([]);
  });
});
