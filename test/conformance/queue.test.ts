import { expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { dies, greet, note, openQueue } from "./open-queue.ts";

onEachKindOfStore((kind) => {
  test("an unknown option is named, and nothing happens", async () => {
    const { queue, store } = openQueue(kind);
    await queue.enqueue(dies, undefined, { id: "dead", maxRetries: 0 });
    await queue.drain();
    await queue.enqueue(note, 1, { id: "waits", delay: "5m" });
    const cron = "0 0 9 * * *";
    const misspelt = (option: string, call: (options: object) => Promise<unknown>, rest: object = {}) =>
      expect(call({ ...rest, [option]: 1 })).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringContaining(`Unknown option "${option}" in`),
      });
    const define = async (schedule: object) =>
      defineJob({ name: "x", schedule: { cron, ...schedule }, perform: () => 1 });
    await misspelt("tz", define);
    await misspelt("maxRetrys", async (options) => defineJob({ name: "x", perform: () => 1, ...options }));
    await misspelt("retension", async (options) => new Queue({ store, ...options }));
    await misspelt("dely", (options) => queue.enqueue(note, 1, options));
    await misspelt("delay", (options) => queue.enqueue(note, 1, { cron, ...options }));
    await misspelt("tz", (options) => queue.schedules.upsert("daily", { job: note, payload: 1, cron, ...options }));
    await misspelt("delay", (backoff) => queue.enqueue(note, 1, { backoff }), { type: "fixed" });
    await misspelt("maxjobs", (options) => queue.drain(options));
    await misspelt("delay", (options) => queue.enqueueMany([{ job: note, payload: 1 }], options));
    await misspelt("stat", (options) => queue.clear(options));
    await misspelt("stat", (options) => queue.listJobs(options));
    await misspelt("timout", (options) => queue.wait("waits", options));
    await misspelt("trips", (budget) => queue.drain({ budget }));
    await misspelt("maxRetries", (options) => queue.update("waits", options));
    await misspelt("dryrun", (options) => queue.retryFromDeadLetter({ all: true }, options));
    await misspelt("dryrun", (options) => queue.removeFromDeadLetter({ all: true }, options));
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 2, deadLetterCount: 1 });
    expect(await queue.schedules.list()).toEqual([]);
  });

  test("a job can be read by its definition, and one of another name cannot", async () => {
    const { queue } = openQueue(kind);
    await queue.enqueue(greet, { to: "Ada" }, { id: "greeting" });
    await queue.drain();
    const read = await queue.getJob(greet, "greeting");
    expect(read).toEqual(await queue.getJob("greeting"));
    expect([read?.payload.to, read?.result?.greeted]).toEqual(["Ada", "Ada"]);
    expect(await queue.wait(greet, "greeting", { timeout: "1s" })).toEqual(read);
    expect(await queue.getJob({ ...greet }, "greeting")).toEqual(read);
    expect([await queue.getJob(note, "greeting"), await queue.wait(note, "greeting")]).toEqual([null, null]);
    expect([await queue.getJob(greet, "missing"), await queue.wait(greet, "missing")]).toEqual([null, null]);
    for (const wrong of [{}, null, 7, []])
      for (const call of [queue.getJob(wrong as never, "greeting"), queue.wait(wrong as never, "greeting")])
        await expect(call).rejects.toMatchObject({ code: "invalid_request" });
    await expect(queue.getJob(greet, undefined as never)).rejects.toMatchObject({ code: "invalid_request" });
  });

  test.each([undefined, null, 7, {}, { sendEmail: note }])(
    "%j cannot be enqueued, and nothing is stored",
    async (job) => {
      const { queue } = openQueue(kind);
      await expect(queue.enqueue(job as unknown as string)).rejects.toThrow(
        /The job must be a definition from defineJob/,
      );
      await expect(queue.enqueueMany([{ job }] as never)).rejects.toThrow(
        /The job must be a definition from defineJob/,
      );
      await expect(queue.enqueueMany([job as never])).rejects.toMatchObject({ code: "invalid_request" });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    },
  );

  test.each([null, "5m", 7])("%j is refused as options", async (options) => {
    const { queue } = openQueue(kind);
    const refusal = { code: "invalid_request" };
    await expect(queue.enqueue(note, 1, options as never)).rejects.toMatchObject(refusal);
    await expect(queue.drain(options as never)).rejects.toMatchObject(refusal);
    await expect(queue.clear(options as never)).rejects.toMatchObject(refusal);
    await expect(queue.schedules.upsert("daily", options as never)).rejects.toMatchObject(refusal);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });

  test("a definition may be wrapped, redefined, and extended with fields of its own", async () => {
    const { store, clock } = openQueue(kind);
    const wrapped = defineJob({ ...dies, schema: undefined, perform: () => "well" });
    const marked = { ...wrapped, team: "mail" };
    const queue = new Queue({ store, clock, jobs: [marked] });
    await queue.enqueue(marked);
    expect(await queue.drain()).toMatchObject({ completed: 1 });
  });

  test("a name that no worker knows is retried as a failure, so that a rolling deploy loses nothing", async () => {
    const { clock, store } = openQueue(kind);
    const newer = new Queue({ store, clock, jobs: [greet] });
    const older = new Queue({ store, clock, jobs: [note] });
    const { id } = await newer.enqueue(greet, { to: "Ada" });
    expect(await older.drain()).toMatchObject({ retried: 1 });
    expect(await older.getJob(id)).toMatchObject({
      errors: [{ message: expect.stringMatching(/No job is named "greet"/) }],
    });
    await clock.advance("60s");
    expect(await newer.drain()).toMatchObject({ completed: 1 });
  });

  test("a record of a newer version waits for the deployment that reads it, with no attempt used", async () => {
    const { clock, store, queue } = openQueue(kind);
    const stored = store.open("default");
    await stored.enqueue([{ id: "newer", isFreshId: true, runAt: clock(), record: "2:{}" }], clock());
    for (let met = 1; met <= 5; met++) {
      expect(await queue.drain()).toMatchObject({ claimed: 1, retried: 0, deadLettered: 0, lost: 0 });
      await clock.advance("60s");
    }
    expect(await stored.find("newer", clock())).toMatchObject({ state: "ready", record: "2:{}", claims: 0 });
  });

  test("queues of different names share a store and nothing else", async () => {
    const { clock, store, queue } = openQueue(kind);
    const other = new Queue({ name: "other", store, clock, jobs: [note] });
    await queue.enqueue(note, 1, { id: "same" });
    expect(await other.enqueue(note, 2, { id: "same" })).toMatchObject({ status: "enqueued" });
    await other.drain();
    expect(await queue.getJob("same")).toMatchObject({ state: "ready", payload: 1, queue: "default" });
    expect(await other.getJob("same")).toMatchObject({ state: "completed", queue: "other" });
  });
});
