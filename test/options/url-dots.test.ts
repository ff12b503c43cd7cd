import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { storeRefusedId } from "../support/dots.ts";

// URL parsing removes "." and ".." from a path, in every notation.

describe.each([".", ".."])("%j is refused", (dots) => {
  const store = memoryStore();
  const queue = new Queue({ store, jobs: [defineJob({ name: "greet", perform() {} })] });

  test.each<[string, (queue: Queue) => unknown]>([
    ["as an id", (queue) => queue.enqueue("greet", null, { id: dots })],
    ["as an id among many", (queue) => queue.enqueueMany([{ job: "greet" }, { job: "greet", id: dots }])],
    ["as a schedule's key", (queue) => queue.schedules.upsert(dots, { job: "greet", cron: "* * * * *" })],
    ["as the id of a recurring job", (queue) => queue.enqueue("greet", null, { id: dots, cron: "* * * * *" })],
    ["as a queue's name", async () => new Queue({ name: dots, store: memoryStore() })],
    ["as the name of a job type to pause", (queue) => queue.pauseJobs(dots)],
    ["as the name of a job to enqueue", (queue) => queue.enqueue(dots)],
    ["as a job's name", async () => defineJob({ name: dots, perform() {} })],
  ])("%s, and nothing is stored", async (_, act) => {
    await expect(act(queue)).rejects.toThrow(`must not be "${dots}": a URL drops it`);
    expect(await queue.listJobs()).toMatchObject({ jobs: [] });
    expect(await queue.schedules.list()).toEqual([]);
    expect(await queue.getStats()).toMatchObject({ pausedJobs: [] });
  });

  test("but can be shown, cancelled, paused and removed if it is already stored", async () => {
    await storeRefusedId(store, dots);
    expect(await queue.getJob(dots)).toMatchObject({ id: dots });
    await queue.cancel(dots);
    expect(await queue.getJob(dots)).toBeNull();
    expect(await queue.schedules.pause(dots)).toMatchObject({ key: dots, paused: true });
    await queue.schedules.remove(dots);
    expect(await queue.schedules.list()).toEqual([]);
  });
});
