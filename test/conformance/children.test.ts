import { expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import type { LeasedJob } from "../../src/core/store/store.ts";
import { defineJob, PermanentError, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore, type StoreKind } from "../support/stores.ts";

/** A queue whose `report` notes what it gets of its children, and whose `row` fails if its payload says so. */
function openFamily(kind: StoreKind, open = kind.shared()) {
  const clock = testClock(start);
  const reports: unknown[] = [];
  const row = defineJob({
    name: "row",
    maxRetries: 0,
    perform({ n, fails = false }: { n: number; fails?: boolean }) {
      if (fails) throw new PermanentError("no luck");
      return { imported: n };
    },
  });
  const report = defineJob({
    name: "report",
    perform: (payload: { month: string } | undefined, job) => void reports.push([payload?.month, job.children]),
  });
  const insert = defineJob({
    name: "insert",
    performBatch: (jobs: readonly { payload: { n: number } }[]) => void jobs,
  });
  const keyed = defineJob({
    name: "keyed",
    flowControl: { key: "of reports", concurrency: 1 },
    perform: (_: undefined, job) => void reports.push(job.children),
  });
  const openQueue = (store = open()) => new Queue({ store, clock, jobs: [row, report, insert, keyed], logger: null });
  const queue = openQueue();
  /** Drains until nothing is due. */
  const run = async (by = queue) => {
    for (let claimed = 1; claimed > 0; ) ({ claimed } = await by.drain());
  };
  const rows = (count: number, fails = 0) =>
    Array.from({ length: count }, (_, n) => ({ job: row, payload: { n, fails: n < fails } }));
  return { clock, queue, openQueue, run, reports, row, report, insert, keyed, rows };
}

const HOUR = 3_600_000;
const none = { pending: 0, completed: 0, dead: 0, dropped: 0 };

onEachKindOfStore((kind) => {
  test("a job with children runs once all of them have ended, and gets to know how", async () => {
    const { queue, run, reports, report, rows } = openFamily(kind);
    const enqueued = await queue.enqueue(report, { month: "May" }, { children: rows(3, 1) });
    expect(enqueued).toEqual({ id: expect.any(String), status: "enqueued", runAt: null });
    expect(await queue.getJob(enqueued.id)).toMatchObject({
      state: "scheduled",
      runAt: null,
      children: { ...none, total: 3, pending: 3 },
    });
    await run();
    const children = { ...none, total: 3, completed: 2, dead: 1 };
    expect(reports).toEqual([["May", children]]);
    expect(await queue.getJob(enqueued.id)).toMatchObject({ state: "completed", children });
  });

  test("listChildren gives the states and results of children in their order, page by page", async () => {
    const { queue, run, report, rows } = openFamily(kind);
    const { id } = await queue.enqueue(report, { month: "May" }, { id: "may", children: rows(3, 1) });
    await run();
    const page = await queue.listChildren(id, { limit: 2 });
    const rest = await queue.listChildren(id, { cursor: page.cursor ?? undefined });
    const jobs = [...page.jobs, ...rest.jobs];
    expect([page.jobs.length, rest.cursor]).toEqual([2, null]);
    expect(jobs.map(({ id: child, state, result }) => [child.slice(0, 10), state, result])).toEqual([
      ["may/000000", "dead", undefined],
      ["may/000001", "completed", { imported: 1 }],
      ["may/000002", "completed", { imported: 2 }],
    ]);
    const first = await queue.listChildren(id, { state: "completed", limit: 1 });
    const second = await queue.listChildren(id, { state: "completed", cursor: first.cursor ?? "" });
    const found = [first, second].map((each) => [each.jobs.map((job) => job.result), each.cursor]);
    expect(found).toEqual([
      [[{ imported: 1 }], "2"],
      [[{ imported: 2 }], null],
    ]);
    expect(await queue.listChildren(id, { state: "pending" })).toEqual({ jobs: [], cursor: null });
    await expect(queue.listChildren("nobody")).rejects.toMatchObject({ code: "not_found" });
  });

  test("dead children hold a job that waits for completed ones, until they are retried or removed", async () => {
    const { queue, run, reports, report, rows } = openFamily(kind);
    const waitFor = "completed";
    const [retried, removed] = [
      await queue.enqueue(report, { month: "May" }, { waitFor, children: rows(2, 1) }),
      await queue.enqueue(report, { month: "June" }, { waitFor, children: rows(2, 1) }),
    ];
    await run();
    expect(reports).toEqual([]);
    expect(await queue.getJob(removed.id)).toMatchObject({ children: { ...none, total: 2, completed: 1, dead: 1 } });
    const idOf = async (parent: string) => (await queue.listChildren(parent)).jobs[0]?.id ?? "";
    await queue.retryFromDeadLetter(await idOf(retried.id), { payload: { n: 7 } });
    expect(await queue.getJob(retried.id)).toMatchObject({ children: { ...none, total: 2, pending: 1, completed: 1 } });
    await queue.removeFromDeadLetter(await idOf(removed.id));
    await run();
    expect(new Map(reports as [string, unknown][])).toEqual(
      new Map([
        ["May", { ...none, total: 2, completed: 2 }],
        ["June", { ...none, total: 2, completed: 1, dropped: 1 }],
      ]),
    );
  });

  test("cancelled and cleared children no longer count", async () => {
    const { queue, run, clock, reports, report, rows } = openFamily(kind);
    const { id } = await queue.enqueue(report, { month: "May" }, { children: rows(2) });
    await queue.cancel((await queue.listChildren(id)).jobs[0]?.id ?? "");
    expect(await queue.getJob(id)).toMatchObject({ children: { ...none, total: 2, pending: 1, dropped: 1 } });
    await queue.clear({ state: "ready" });
    // What the clearing releases is due a millisecond later, so that no piece of it clears that too.
    await clock.advance(1);
    await run();
    expect(reports).toEqual([["May", { ...none, total: 2, dropped: 2 }]]);
  });

  test("a job that waits for its children says no time at which it expires, until the last of them has ended", async () => {
    const { queue, run, report, rows } = openFamily(kind);
    const { id } = await queue.enqueue(report, { month: "May" }, { expires: "1h", delay: "1h", children: rows(1) });
    expect(await queue.getJob(id)).not.toHaveProperty("expiresAt");
    await run();
    expect((await queue.getJob(id))?.expiresAt?.getTime()).toBeGreaterThan(start);
  });

  test("children that expire are dropped, of however many parents in one exchange", async () => {
    const { queue, run, clock, reports, report, row } = openFamily(kind);
    const child = { job: row, payload: { n: 1 } };
    const expiring = { ...child, delay: "10m", expires: "1m" } as const;
    for (let n = 0; n < 40; n++) await queue.enqueue(report, { month: "May" }, { children: [child, expiring] });
    await run();
    await clock.advance("20m");
    await run();
    expect(reports).toEqual(Array(40).fill(["May", { ...none, total: 2, completed: 1, dropped: 1 }]));
  });

  test("once a job has begun, nothing begins it anew, and what it got stays", async () => {
    const { queue, run, reports, report, rows } = openFamily(kind);
    const { id } = await queue.enqueue(report, { month: "May" }, { children: rows(1, 1) });
    await run();
    await queue.retryFromDeadLetter({ all: true }, { payload: { n: 1 } });
    await run();
    expect(reports).toHaveLength(1);
    expect(await queue.getJob(id)).toMatchObject({ attempts: 1, children: { ...none, total: 1, dead: 1 } });
  });

  test("children may have children, delays, keys, and a handler for many", async () => {
    const { queue, run, clock, reports, row, report, insert } = openFamily(kind);
    await queue.enqueue(
      report,
      { month: "May" },
      {
        children: [
          { job: row, payload: { n: 1 }, delay: "5m" },
          { job: report, payload: { month: "inner" }, children: [{ job: insert, payload: { n: 2 } }] },
          { job: insert, payload: { n: 3 } },
        ],
      },
    );
    await run();
    expect(reports).toEqual([["inner", { ...none, total: 1, completed: 1 }]]);
    await clock.advance("5m");
    await run();
    expect(reports.slice(1)).toEqual([["May", { ...none, total: 3, completed: 3 }]]);
  });

  test("a job with a flow control key joins its line when its children have ended", async () => {
    const { queue, run, reports, keyed, row } = openFamily(kind);
    const child = { job: row, payload: { n: 1 } };
    for (let i = 0; i < 2; i++) await queue.enqueue(keyed, undefined, { children: [child] });
    expect((await queue.flowControl.get("of reports"))?.running ?? 0).toBe(0);
    await run();
    expect(reports).toEqual(Array.from({ length: 2 }, () => ({ ...none, total: 1, completed: 1 })));
    expect(await queue.flowControl.get("of reports")).toBeNull();
  });

  test("a job runs no earlier than its delay, and at once if it has no children", async () => {
    const { queue, run, clock, reports, report, rows } = openFamily(kind);
    const { id } = await queue.enqueue(report, { month: "later" }, { delay: "1h", children: rows(1) });
    await queue.enqueue(report, { month: "at once" }, { children: [] });
    const runAt = new Date(clock.now + HOUR);
    expect((await queue.getJob(id))?.runAt).toBeNull();
    await run();
    expect(await queue.getJob(id)).toMatchObject({ state: "scheduled", runAt });
    expect(reports).toEqual([["at once", { ...none, total: 0 }]]);
    await clock.advance("1h");
    await run();
    expect(reports[1]).toEqual(["later", { ...none, total: 1, completed: 1 }]);
  });

  test.each(["30m", "1h", "2h", "0s"] as const)("a job that waits for others can be moved: by %s", async (by) => {
    const { queue, run, clock, reports, report, rows } = openFamily(kind);
    await queue.enqueue(report, { month: "May" }, { id: "may", children: rows(1) });
    await queue.reschedule("may", by);
    const children = { ...none, total: 1, pending: 1 };
    expect(await queue.getJob("may")).toMatchObject({ payload: { month: "May" }, children });
    await run();
    expect(reports).toHaveLength(by === "0s" ? 1 : 0);
    await clock.advance(by);
    await run();
    expect(reports).toEqual([["May", { ...none, total: 1, completed: 1 }]]);
  });

  test.each(["0s", "1h", "2h"] as const)(
    "a job that waits for others is scheduled, wherever it is moved: by %s",
    async (by) => {
      const { queue, run, report, rows } = openFamily(kind);
      await queue.enqueue(report, { month: "May" }, { id: "may", waitFor: "completed", children: rows(1, 1) });
      for (const readyCount of [1, 0]) {
        const waits = { state: "scheduled", runAt: null };
        expect(await queue.reschedule("may", by)).toMatchObject(waits);
        expect(await queue.getJob("may")).toMatchObject(waits);
        const { jobs } = await queue.listJobs({ state: "scheduled" });
        expect(jobs).toMatchObject([{ id: "may", ...waits }]);
        expect(await queue.getStats()).toMatchObject({ readyCount, scheduledCount: 1 });
        await run();
      }
    },
  );

  test("a job that waits for others is scheduled although no drain has come for hours", async () => {
    const { queue, clock, report, rows } = openFamily(kind);
    await queue.enqueue(report, { month: "May" }, { id: "may", children: rows(1) });
    await clock.advance("5h");
    expect(await queue.getJob("may")).toMatchObject({ state: "scheduled", runAt: null });
  });

  test("a plain duplicate of a job that waits for others has no run time either", async () => {
    const { queue, report, rows } = openFamily(kind);
    await queue.enqueue(report, { month: "May" }, { id: "may", delay: "5m", children: rows(2) });
    const duplicate = { id: "may", status: "duplicate", runAt: null };
    expect(await queue.enqueue(report, { month: "May" }, { id: "may" })).toEqual(duplicate);
    expect(await queue.enqueueMany([{ job: report, payload: { month: "May" }, id: "may" }])).toEqual([duplicate]);
  });

  test("a job has up to 1,000 children, and one of 1,001 is refused with the way to have more", async () => {
    const { queue, run, reports, report, rows } = openFamily(kind);
    const enqueue = (count: number) => queue.enqueue(report, { month: "May" }, { children: rows(count) });
    await expect(enqueue(1_001)).rejects.toMatchObject({
      code: "invalid_request",
      message:
        "A job can have at most 1000 children: 1001 were given. For more, give its children some of their own: each can have as many.",
    });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    await enqueue(1_000);
    await run();
    expect(reports).toEqual([["May", { ...none, total: 1_000, completed: 1_000 }]]);
  });

  test("children that have 600 of their own each are stored with them in one call", async () => {
    const { queue, run, reports, report, rows } = openFamily(kind);
    const part = (month: string) => ({ job: report, payload: { month }, children: rows(600) });
    await queue.enqueue(report, { month: "all" }, { children: [part("first"), part("second")] });
    await run();
    const counts = { ...none, total: 600, completed: 600 };
    expect(reports).toHaveLength(3);
    expect(new Map(reports as [string, unknown][])).toEqual(
      new Map([
        ["first", counts],
        ["second", counts],
        ["all", { ...none, total: 2, completed: 2 }],
      ]),
    );
  });

  test.each([
    ["is due", false, undefined],
    ["has a delay", false, "1h"],
    ["stands in the line of its key", true, undefined],
    ["has a key and a delay", true, "1h"],
  ] as const)(
    "a dead child that is retried holds its parent, which %s and has not begun",
    async (_, isKeyed, delay) => {
      const { queue, run, clock, reports, report, keyed, rows } = openFamily(kind);
      const options = { id: "may", children: rows(2, 2), ...(delay && { delay }) } as const;
      await (isKeyed ? queue.enqueue(keyed, undefined, options) : queue.enqueue(report, { month: "May" }, options));
      await queue.drain({ maxJobs: 2 });
      const ended = { ...none, total: 2, dead: 2 };
      expect(await queue.getJob("may")).toMatchObject({ runAt: expect.any(Date), children: ended });
      await queue.retryFromDeadLetter("may/000001", { payload: { n: 7 } });
      const waits = { state: "scheduled", runAt: null, children: { ...none, total: 2, pending: 1, dead: 1 } };
      expect(await queue.getJob("may")).toMatchObject(waits);
      if (isKeyed) expect((await queue.flowControl.get("of reports"))?.waiting ?? 0).toBe(0);
      await queue.drain({ maxJobs: 1 });
      expect(reports).toEqual([]);
      if (delay) await clock.advance(delay);
      await run();
      const counts = { ...none, total: 2, completed: 1, dead: 1 };
      expect(reports).toEqual([isKeyed ? counts : ["May", counts]]);
    },
  );

  test.each([
    ["got another payload", async ({ queue }) => void (await queue.update("may", { payload: { month: "June" } }))],
    ["got its first payload", async ({ queue }) => void (await queue.update("none", { payload: { month: "June" } }))],
    [
      "was handed back twice, since its type is paused, which goes on",
      async ({ queue, clock }) => {
        await queue.pauseJobs("report");
        expect(await queue.drain()).toMatchObject({ released: 2 });
        await clock.advance("1h");
        expect(await queue.drain()).toMatchObject({ released: 2 });
        await queue.resumeJobs("report");
        await queue.pauseJobs("report");
        expect(await queue.drain()).toMatchObject({ released: 2 });
      },
    ],
    [
      "was handed back by a drain that had no time for it",
      async ({ queue }) => void (await internalsOf(queue).drain({ longestAttemptMs: 1_000 })),
    ],
  ] as const satisfies readonly (readonly [string, (family: ReturnType<typeof openFamily>) => Promise<void>])[])(
    "a dead child that is retried holds its parent, which has not begun: it %s",
    async (_, change) => {
      const family = openFamily(kind);
      const { queue, run, reports, report, rows } = family;
      await queue.enqueue(report, { month: "May" }, { id: "may", children: rows(1, 1) });
      await queue.enqueue("report", undefined, { id: "none", children: rows(1, 1) });
      await queue.drain({ maxJobs: 2 });
      await change(family);
      await queue.retryFromDeadLetter({ ids: ["may/000000", "none/000000"] }, { payload: { n: 7 } });
      await queue.reschedule("may/000000", "10m");
      await queue.reschedule("none/000000", "10m");
      await queue.resumeJobs("report");
      await run();
      expect(reports).toEqual([]);
      const waits = { state: "scheduled", runAt: null, attempts: 0, children: { ...none, total: 1, pending: 1 } };
      expect(await queue.getJob("may")).toMatchObject(waits);
      expect(await queue.getJob("none")).toMatchObject(waits);
      await family.clock.advance("10m");
      await run();
      expect(reports).toHaveLength(2);
      const ended = { state: "completed", attempts: 1, children: { ...none, total: 1, completed: 1 } };
      expect(await queue.getJob("may")).toMatchObject(ended);
      expect(await queue.getJob("none")).toMatchObject(ended);
    },
  );

  test("a parent waits for each dead child that is retried, one after the other", async () => {
    const { queue, run, reports, report, rows } = openFamily(kind);
    await queue.enqueue(report, { month: "May" }, { id: "may", children: rows(3, 3) });
    await queue.drain({ maxJobs: 3 });
    for (const n of [0, 1]) await queue.retryFromDeadLetter(`may/00000${n}`, { payload: { n } });
    const pending = async () => (await queue.getJob("may"))?.children?.pending;
    expect(await pending()).toBe(2);
    await queue.drain({ maxJobs: 1 });
    expect(await pending()).toBe(1);
    await run();
    expect(reports).toEqual([["May", { ...none, total: 3, completed: 2, dead: 1 }]]);
  });

  test("dead children that are retried while a drain has their parent hold it, once it is handed back", async () => {
    const open = kind.shared();
    let whenClaimed = async () => {};
    const watched = aroundStore(open(), async ({ method }, run) => {
      const reply = await run();
      const { jobs = [] } = method === "exchange" ? Object(reply) : {};
      if (jobs.some(({ lease }: LeasedJob) => lease.id === "may")) await whenClaimed();
      return reply;
    });
    const { queue, openQueue, run, reports, report, keyed, rows } = openFamily(kind, open);
    await queue.enqueue(report, { month: "May" }, { id: "may", children: rows(3, 2) });
    await queue.enqueue(keyed, undefined, { id: "key", children: rows(3, 2) });
    await queue.drain({ maxJobs: 6 });
    const retry = (n: number) =>
      queue.retryFromDeadLetter({ ids: [`may/00000${n}`, `key/00000${n}`] }, { payload: { n: 7 } });
    for (const name of ["report", "keyed", "row"]) await queue.pauseJobs(name);
    whenClaimed = async () => {
      whenClaimed = async () => {};
      await retry(0);
    };
    expect(await openQueue(watched).drain()).toMatchObject({ released: 4 });
    for (const name of ["report", "keyed"]) await queue.resumeJobs(name);
    const waitsFor = (pending: number) => ({
      ...{ state: "scheduled", runAt: null, attempts: 0 },
      children: { ...none, total: 3, pending, completed: 1, dead: 2 - pending },
    });
    for (const id of ["may", "key"]) expect(await queue.getJob(id)).toMatchObject(waitsFor(1));
    expect((await queue.flowControl.get("of reports"))?.waiting ?? 0).toBe(0);
    await retry(1);
    for (const id of ["may", "key"]) expect(await queue.getJob(id)).toMatchObject(waitsFor(2));
    await run();
    expect(reports).toEqual([]);
    await queue.resumeJobs("row");
    await run();
    const children = { ...none, total: 3, completed: 3 };
    expect(new Set(reports)).toEqual(new Set([["May", children], children]));
  });

  test("a change of a parent that waits does nothing if it arrives again after another one", async () => {
    const sent: (() => Promise<unknown>)[] = [];
    const store = aroundStore(kind.create(), ({ method }, run) => {
      if (method === "change") sent.push(run);
      return run();
    });
    const { queue, run, reports, report, rows } = openFamily(kind, () => store);
    await queue.enqueue(report, { month: "May" }, { id: "may", children: rows(1) });
    await queue.update("may", { payload: { month: "June" } });
    await queue.update("may", { payload: { month: "July" }, delay: "1h" });
    await sent[0]?.();
    await sent[1]?.();
    await queue.reschedule("may", "0s");
    await sent[1]?.();
    await run();
    expect(reports).toEqual([["July", { ...none, total: 1, completed: 1 }]]);
    expect(await queue.getJob("may")).toMatchObject({ attempts: 1 });
  });

  test("a child of an earlier job with the same id does not count", async () => {
    const { queue, run, clock, reports, report, row } = openFamily(kind);
    const child = (delay: "0s" | "1h" | "2h") => ({ job: row, payload: { n: 1 }, delay });
    await queue.enqueue(report, { month: "May" }, { id: "may", children: [child("0s"), child("1h")] });
    await run();
    await queue.cancel("may");
    await queue.clear({ state: "completed" });
    await queue.enqueue(report, { month: "June" }, { id: "may", children: [child("2h")] });
    await clock.advance("1h");
    await run();
    expect(await queue.getJob("may/000001")).toMatchObject({ state: "completed" });
    expect(reports).toEqual([]);
    await clock.advance("1h");
    await run();
    expect(reports).toEqual([["June", { ...none, total: 1, completed: 1 }]]);
  });

  test("no job has an id that ends as that of a child does", async () => {
    const { queue, row } = openFamily(kind);
    await expect(queue.enqueue(row, { n: 1 }, { id: "may/000001" })).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining('must not end with "/" and six digits'),
    });
    expect(await queue.enqueue(row, { n: 1 }, { id: "may/00001" })).toMatchObject({ status: "enqueued" });
  });

  test("clearing what waits clears the parents too, and none of them runs", async () => {
    const { queue, run, reports, report, rows } = openFamily(kind);
    for (const state of ["pending", "scheduled"] as const) {
      const { id } = await queue.enqueue(report, { month: state }, { children: rows(2) });
      expect(await queue.clear({ state })).toEqual({ cleared: state === "pending" ? 3 : 1 });
      expect(await queue.getJob(id)).toBeNull();
      await run();
    }
    expect(reports).toEqual([]);
  });

  test("an id is refused while children of an earlier job with it are there", async () => {
    const { queue, report, rows } = openFamily(kind);
    await queue.enqueue(report, { month: "May" }, { id: "may", children: rows(2) });
    await queue.cancel("may");
    await expect(queue.enqueue(report, { month: "May" }, { id: "may", children: rows(1) })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("may/"),
    });
  });

  test.each([1, 2])("a job that gets the id of a cancelled parent of %i runs at its own time", async (count) => {
    const { queue, run, clock, reports, report, rows } = openFamily(kind);
    await queue.enqueue(report, { month: "May" }, { id: "may", children: rows(count) });
    await queue.cancel("may");
    await queue.enqueue(report, { month: "plain" }, { id: "may", delay: "1h" });
    await run();
    expect(reports).toEqual([]);
    expect(await queue.getJob("may")).toMatchObject({ state: "scheduled", runAt: new Date(clock.now + HOUR) });
    await clock.advance("1h");
    await run();
    expect(reports).toEqual([["plain", undefined]]);
  });

  test("removing the last child, alive or dead, leaves another job with the id of its parent alone", async () => {
    const { queue, run, reports, report, rows } = openFamily(kind);
    const removals = [
      (child: string) => queue.cancel(child),
      () => queue.clear({ state: "ready" }),
      (child: string) => queue.removeFromDeadLetter(child),
      () => queue.clear({ state: "dead" }),
    ];
    for (const [n, remove] of removals.entries()) {
      const options = { id: `${n}`, waitFor: "completed", children: rows(1, 1) } as const;
      const { id } = await queue.enqueue(report, { month: "May" }, options);
      const [child] = (await queue.listChildren(id)).jobs;
      if (n > 1) await run();
      await queue.cancel(id);
      await queue.enqueue(report, { month: "plain" }, { id, delay: "1h" });
      await remove(child?.id ?? "");
      await run();
    }
    expect(reports).toEqual([]);
  });

  test("a wrong child is refused by its number, and nothing is stored", async () => {
    const { queue, report, row, rows } = openFamily(kind);
    const enqueue = (child: object, options: object = {}) =>
      queue.enqueue(report, { month: "May" }, {
        ...options,
        children: [...rows(1), { job: row, payload: { n: 1 }, ...child }],
      } as never);
    await expect(enqueue({ id: "own" })).rejects.toThrow("Child 1: A child takes neither id nor dedupe");
    await expect(enqueue({ waitFor: "completed" })).rejects.toThrow("Child 1: waitFor needs children");
    await expect(enqueue({ dealy: "5m" })).rejects.toThrow("Child 1: ");
    await expect(enqueue({ job: "unknown" })).rejects.toThrow("Child 1: No job is named");
    await expect(enqueue({ waitFor: "all", children: rows(1) })).rejects.toThrow("Child 1: waitFor must be one of");
    await expect(enqueue({ children: rows(1_001) })).rejects.toThrow("Child 1: A job can have at most 1000 children");
    await expect(enqueue({}, { dedupe: { key: "k", ttl: "1h" } })).rejects.toThrow("takes no dedupe");
    await expect(enqueue({}, { id: "x".repeat(250) })).rejects.toThrow("longer than 256");
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });
});
