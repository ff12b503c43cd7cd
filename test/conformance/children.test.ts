import { expect, test } from "vitest";
import { defineJob, PermanentError, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore, type StoreKind } from "../support/stores.ts";

/** A queue whose `report` notes what it is told of its children, and whose `row` fails if its payload says so. */
function openFamily(kind: StoreKind) {
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
    perform: (payload: { month: string }, job) => void reports.push([payload.month, job.children]),
  });
  const queue = new Queue({ store: kind.create(), clock, jobs: [row, report], logger: null });
  const rows = (count: number, fails = 0) =>
    Array.from({ length: count }, (_, n) => ({ job: row, payload: { n, fails: n < fails } }));
  return { clock, queue, reports, row, report, rows };
}

onEachKindOfStore((kind) => {
  test("a job with children runs once all of them have ended, and is told how", async () => {
    const { queue, reports, report, rows } = openFamily(kind);
    const enqueued = await queue.enqueue(report, { month: "May" }, { children: rows(3, 1) });
    expect(enqueued).toEqual({ id: expect.any(String), status: "enqueued", runAt: null });
    expect(await queue.getJob(enqueued.id)).toMatchObject({
      state: "scheduled",
      runAt: null,
      children: { total: 3, pending: 3, completed: 0, dead: 0, dropped: 0 },
    });
    while ((await queue.drain()).claimed > 0);
    const children = { total: 3, pending: 0, completed: 2, dead: 1, dropped: 0 };
    expect(reports).toEqual([["May", children]]);
    expect(await queue.getJob(enqueued.id)).toMatchObject({ state: "completed", children });
    const { jobs, cursor } = await queue.listChildren(enqueued.id);
    expect(cursor).toBeNull();
    expect(
      jobs.map(({ id, state, result }) => [id.slice(enqueued.id.length, enqueued.id.length + 7), state, result]),
    ).toEqual([
      ["/000000", "dead", undefined],
      ["/000001", "completed", { imported: 1 }],
      ["/000002", "completed", { imported: 2 }],
    ]);
  });
});
