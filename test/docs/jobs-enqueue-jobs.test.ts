import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { charge, publish, saveInvoice, sendIssue, sendMail, ship } from "../../examples/guide/jobs-enqueue-jobs.ts";
import { outbox, table } from "../../examples/guide/services.ts";
import { type AnyJob, memoryStore, Queue } from "../../src/index.ts";
import { drainAll, testClock } from "../../src/testing/index.ts";
import { projectOf } from "../package/compile.ts";
import { start } from "../support/clock.ts";

beforeEach(() => {
  outbox.length = 0;
  table.clear();
});

/** A queue whose first drain dies before it can store an outcome, as if its process was killed. */
function setUp() {
  const clock = testClock(start);
  const store = memoryStore();
  const jobs = [charge, ship, sendMail, saveInvoice, publish, sendIssue];
  const queue = new Queue({ store, jobs, clock });
  const killOnce = async () => {
    const dying = new Queue({
      store: {
        open: (...given) =>
          Object.assign(Object.create(store.open(...given)), { exchange: neverAgain(store.open(...given)) }),
      },
      jobs,
      clock,
      logger: null,
    });
    await dying.drain().catch(() => {});
    await clock.advance("2m");
  };
  return { clock, queue, killOnce };
}

/** An exchange that claims, and then fails: what has run is never settled. */
function neverAgain({ exchange }: ReturnType<ReturnType<typeof memoryStore>["open"]>): typeof exchange {
  let calls = 0;
  return (request) => (calls++ === 0 ? exchange(request) : Promise.reject(new Error("killed")));
}

describe("the guide on jobs that enqueue jobs", () => {
  test("a chain goes on once, even if the process is killed after the first step", async () => {
    const { clock, queue, killOnce } = setUp();
    const { id } = await queue.enqueue(charge, { order: "7", email: "ada@example.com" });
    await killOnce();
    expect(table.get("charged 7")).toBe(id);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1 });
    await queue.drain();
    const charged = await queue.getJob(charge, id);
    expect(table.get("shipped 7")).toBe(charged?.result?.shipment);
    await drainAll(queue, { clock });
    expect(outbox.map(({ subject }) => subject)).toEqual(["Order 7 is on its way", "How was order 7?"]);
  });

  test("an outbox writes and publishes, whatever is killed in between", async () => {
    const { queue, killOnce } = setUp();
    await queue.enqueue(saveInvoice, { invoice: "INV-7", total: 12 });
    await killOnce();
    expect([...table.keys()]).toEqual(["INV-7"]);
    await drainAll(queue);
    const published = [...table].filter(([key]) => key !== "INV-7").map(([, message]) => message);
    expect(published.sort()).toEqual(["INV-7 is due: 12", "INV-7 was saved"]);
  });

  test("a fan-out reaches each reader once", async () => {
    const { queue, killOnce } = setUp();
    await queue.enqueue(sendIssue, { issue: "May" });
    await killOnce();
    expect(outbox).toEqual([]);
    await drainAll(queue);
    expect(new Set(outbox.map(({ to }) => to)).size).toBe(120);
    expect(outbox).toHaveLength(120);
  });

  test("jobs that import their queue crash at start if they are loaded first, as the guide says", async () => {
    const project = await projectOf({
      "queue.mjs": `
        import { memoryStore, Queue } from "tidegate";
        import { charge } from "./jobs.mjs";
        export const queue = new Queue({ store: memoryStore(), jobs: [charge] });`,
      "jobs.mjs": `
        import { defineJob } from "tidegate";
        import { queue } from "./queue.mjs";
        export const charge = defineJob({ name: "charge", perform: () => queue.enqueue("ship") });`,
    });
    const load = (file: string) => promisify(execFile)(process.execPath, [join(project, file)]);
    await expect(load("jobs.mjs")).rejects.toThrow("ReferenceError: Cannot access 'charge' before initialization");
    await load("queue.mjs");
    await rm(project, { recursive: true });
    // A bundler may make a variable of the constant, which is undefined then.
    const charge = undefined as unknown as AnyJob;
    expect(() => new Queue({ store: memoryStore(), jobs: [charge] })).toThrow(/One of the jobs is undefined/);
  });
});
