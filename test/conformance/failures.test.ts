import { expect, test } from "vitest";
import { defineJob, type FailureGroup, PermanentError, Queue } from "../../src/index.ts";
import { allPages } from "../support/all-pages.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { openQueue } from "./open-queue.ts";

const charge = defineJob({
  name: "charge",
  maxRetries: 0,
  perform: (user: number) => Promise.reject(new Error(`User ${user} has no card`)),
});
const ship = defineJob({
  name: "ship",
  maxRetries: 0,
  perform: (reason: string) => Promise.reject(new PermanentError(reason)),
});

onEachKindOfStore((kind) => {
  const jobs = [charge, ship];
  const opened = (observe = true) => openQueue(kind, { jobs, logger: null, observe });

  /** Three charges and two shipments that died a minute apart, in this order. */
  async function broken() {
    const { clock, queue, store } = opened();
    const ids: string[] = [];
    for (const enqueue of [
      () => queue.enqueue(charge, 1),
      () => queue.enqueue(ship, 'no "blue" box'),
      () => queue.enqueue(charge, 2),
      () => queue.enqueue(ship, 'no "red" box'),
      () => queue.enqueue(charge, 3),
    ]) {
      ids.push((await enqueue()).id);
      await queue.drain();
      await clock.advance("1m");
    }
    const { failures } = await queue.getFailures();
    const [charges, shipments] = failures as [FailureGroup, FailureGroup];
    return { clock, queue, store, ids, charges, shipments };
  }

  test("what is dead is grouped by job name and folded error, the largest group first", async () => {
    const { clock, queue, ids } = await broken();
    const minute = (number: number) => new Date(clock.now - (5 - number) * 60_000);
    const lastHour = (count: number) => [...Array.from({ length: 23 }, () => 0), count];
    const group = expect.stringMatching(/^[0-9a-f]{12}$/);
    expect(await queue.getFailures()).toEqual({
      failures: [
        {
          ...{ group, name: "charge", error: { name: "Error", message: "User # has no card" }, count: 3 },
          ...{ firstAt: minute(0), lastAt: minute(4), sampleId: ids[4], trend: lastHour(3), age: "new" },
        },
        {
          ...{ group, name: "ship", error: { name: "PermanentError", message: 'no "…" box' }, count: 2 },
          ...{ firstAt: minute(1), lastAt: minute(3), sampleId: ids[3], trend: lastHour(2), age: "new" },
        },
      ],
      cursor: null,
      ungrouped: 0,
    });
    await clock.advance("2h");
    const [charges] = (await queue.getFailures()).failures;
    expect(charges?.trend.slice(-4)).toEqual([0, 3, 0, 0]);
    await clock.advance("1d");
    expect((await queue.getFailures()).failures[0]?.trend).toEqual(Array.from({ length: 24 }, () => 0));
  });

  test("groups come in pages, each of them once", async () => {
    const { queue, charges, shipments } = await broken();
    await queue.enqueue(ship, "no stamps");
    await queue.drain();
    const pages = await allPages((cursor) => queue.getFailures({ limit: 1, cursor }));
    const groups = pages.flatMap(({ failures }) => failures.map(({ group }) => group));
    expect(groups).toHaveLength(3);
    expect(new Set(groups)).toContain(charges.group);
    expect(new Set(groups)).toContain(shipments.group);
    const ofName = await queue.getFailures({ name: "ship", limit: 1 });
    expect(ofName).toMatchObject({ failures: [{ group: shipments.group, count: 2 }], cursor: null, older: 1 });
  });

  test("the jobs of a group are listed newest first, and a page goes on where a job has left meanwhile", async () => {
    const { queue, ids, charges } = await broken();
    const { group } = charges;
    const first = await queue.listDeadLetter({ group, limit: 1 });
    expect(first.jobs.map(({ id }) => id)).toEqual([ids[4]]);
    const cursor = first.cursor as string;
    expect((await queue.listDeadLetter({ group, cursor })).jobs.map(({ id }) => id)).toEqual([ids[2], ids[0]]);
    await queue.removeFromDeadLetter(ids[4] as string);
    expect((await queue.listDeadLetter({ group, cursor, limit: 1 })).jobs.map(({ id }) => id)).toEqual([ids[2]]);
    expect((await queue.listDeadLetter({ group: "000000000000" })).jobs).toEqual([]);
  });

  test("a group is retried or removed as a whole, after a dry run that changes nothing", async () => {
    const { clock, queue, charges, shipments } = await broken();
    expect(await queue.retryFromDeadLetter({ group: charges.group }, { dryRun: true })).toEqual({ retried: 3 });
    expect(await queue.removeFromDeadLetter({ group: shipments.group }, { dryRun: true })).toEqual({ removed: 2 });
    expect(await queue.getFailures()).toMatchObject({ failures: [{ count: 3 }, { count: 2 }] });
    expect(await queue.removeFromDeadLetter({ group: shipments.group })).toEqual({ removed: 2 });
    expect(await queue.retryFromDeadLetter({ group: charges.group }, { payload: 8 })).toEqual({ retried: 3 });
    expect(await queue.getFailures()).toEqual({ failures: [], cursor: null, ungrouped: 0 });
    expect(await queue.getStats()).toMatchObject({ readyCount: 3, deadLetterCount: 0, totalFailed: 5 });
    for (let i = 0; i < 3; i++) await queue.drain();
    const { failures } = await queue.getFailures();
    expect(failures).toMatchObject([{ group: charges.group, count: 3, firstAt: new Date(clock.now) }]);
    expect(await queue.clear({ state: "dead" })).toEqual({ cleared: 3 });
    expect(await queue.getFailures()).toMatchObject({ failures: [], ungrouped: 0 });
    expect(await queue.getStats()).toMatchObject({ totalFailed: 8, deadLetterCount: 0 });
  });

  test("one group says when its jobs died in the last hour, and which values their payloads share", async () => {
    const notify = defineJob({
      name: "notify",
      maxRetries: 0,
      perform: (_: object) => Promise.reject(new Error("The provider is down")),
    });
    const { clock, queue } = openQueue(kind, { jobs: [notify], logger: null });
    for (let order = 0; order < 10; order++) {
      await queue.enqueue(notify, { user: { tenant: order % 3 === 0 ? "acme" : "globex" }, order, tags: ["a"] });
      await queue.drain();
      await clock.advance("30m");
    }
    const [listed] = (await queue.getFailures()).failures as [FailureGroup];
    const found = await queue.getFailure(listed.group);
    expect(found).toMatchObject(listed);
    expect(found?.byMinute).toHaveLength(60);
    expect(found?.byMinute.flatMap((deaths, minute) => (deaths ? [[minute, deaths]] : []))).toEqual([[29, 1]]);
    expect(found?.affected).toEqual([
      {
        field: "user.tenant",
        values: [
          { value: "globex", count: 6 },
          { value: "acme", count: 4 },
        ],
        of: 10,
      },
      { field: "order", values: [9, 8, 7, 6, 5].map((value) => ({ value, count: 1 })), of: 10 },
    ]);
    expect(await queue.getFailure("000000000000")).toBeNull();
    await expect(queue.getFailure("acme")).rejects.toThrow("group must be a group of failures");
  });

  test("with before and since, what died later or earlier is neither listed, counted, retried nor removed", async () => {
    const { clock, queue, charges } = await broken();
    const { group } = charges;
    const before = new Date(clock.now - 120_000); // between the second and the third charge
    const listed = await queue.listDeadLetter({ group, before });
    expect(listed.jobs.map(({ payload }) => payload)).toEqual([2, 1]);
    expect(await queue.retryFromDeadLetter({ group, before }, { dryRun: true })).toEqual({ retried: 2 });
    expect(await queue.retryFromDeadLetter({ group, since: before, name: "mail" })).toEqual({ retried: 0 });
    expect(await queue.retryFromDeadLetter({ group, since: before }, { dryRun: true })).toEqual({ retried: 1 });
    expect(await queue.retryFromDeadLetter({ group }, { before })).toEqual({ retried: 2 });
    expect(await queue.removeFromDeadLetter({ all: true, before })).toEqual({ removed: 2 });
    expect((await queue.listDeadLetter()).jobs.map(({ payload }) => payload)).toEqual([3]);
    await expect(queue.retryFromDeadLetter({ all: true, before: "soon" })).rejects.toThrow(/before must be a Date/);
  });

  test("jobs that are not observed are in no group, and are listed, retried and removed as ever", async () => {
    const { clock, store, queue } = opened(false);
    for (let user = 0; user < 3; user++) await queue.enqueue(charge, user, { id: `charge-${user}` });
    for (let i = 0; i < 3; i++) await queue.drain();
    const observing = new Queue({ store, clock, jobs, logger: null });
    await observing.enqueue(charge, 4);
    await observing.drain();
    expect(await observing.getFailures()).toMatchObject({ failures: [{ count: 1 }], ungrouped: 3 });
    expect((await observing.listDeadLetter()).jobs).toHaveLength(4);
    expect(await observing.retryFromDeadLetter("charge-0")).toEqual({ retried: 1 });
    expect(await observing.removeFromDeadLetter({ all: true })).toEqual({ removed: 3 });
    expect(await observing.getFailures()).toEqual({ failures: [], cursor: null, ungrouped: 0 });
  });

  test("a group, or a cursor, that getFailures has not given is refused", async () => {
    const { queue } = opened();
    const refused = { code: "invalid_request", message: expect.stringContaining("group of failures") };
    await expect(queue.listDeadLetter({ group: "charge" })).rejects.toMatchObject(refused);
    await expect(queue.retryFromDeadLetter({ group: "charge" })).rejects.toMatchObject(refused);
    await expect(queue.removeFromDeadLetter({ group: 7 as never })).rejects.toMatchObject(refused);
    await expect(queue.getFailures({ cursor: "dead:" })).rejects.toMatchObject({ code: "invalid_request" });
    await expect(queue.getFailures({ limit: 0 })).rejects.toMatchObject({ code: "invalid_request" });
    await expect(queue.listJobs({ group: "000000000000" } as never)).rejects.toMatchObject({ code: "invalid_request" });
  });
});
