import { expect, test } from "vitest";
import type { Lease, Outcome } from "../../src/core/store/store.ts";
import { defineJob, type JobContext, Queue, type Store } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEveryStore } from "../support/stores.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

function setUp(store: Store, perform: (job: JobContext, payload: unknown) => unknown, definition: object = {}) {
  const clock = testClock(start);
  const job = defineJob({
    name: "job",
    ...definition,
    perform: (payload: unknown, context) => perform(context, payload),
  });
  return { clock, job, queue: new Queue({ store, clock, jobs: [job], logger: null }) };
}

/** A job that returns what it has waited for: the signals of its payload, one after the other. */
const waits = async (context: JobContext, payload: unknown) => {
  const got: unknown[] = [];
  for (const event of payload as readonly (string | readonly string[])[])
    got.push(await context.waitFor(event, { timeout: "7d" }));
  return got;
};

onEveryStore((kind) => {
  test("a signal wakes every job that waits for it, with its data, and no other one", async () => {
    const { job, queue } = setUp(kind.create(), waits);
    const ids = (await queue.enqueueMany([["a"], ["a"], ["b"]].map((payload) => ({ job, payload })))).map(
      ({ id }) => id,
    );
    expect(await queue.drain()).toMatchObject({ snoozed: 3, nextRunAt: new Date(start + 7 * day) });
    expect(await queue.getJob(ids[0] ?? "")).toMatchObject({
      state: "scheduled",
      waitingFor: { events: ["a"], until: new Date(start + 7 * day) },
      steps: [{ name: "a", kind: "wait", state: "waiting", endedAt: null }],
    });
    expect(await queue.signal("a", { text: "yes" })).toEqual({ woken: 2, kept: false });
    const woken = await queue.getJob(ids[0] ?? "");
    expect(woken).toMatchObject({ state: "ready", steps: [{ name: "a", state: "signalled", endedAt: null }] });
    expect(woken).not.toHaveProperty("waitingFor");
    expect(await queue.drain()).toMatchObject({ completed: 2 });
    expect((await queue.getJob(ids[1] ?? ""))?.result).toEqual([{ text: "yes" }]);
    expect((await queue.getJob(ids[2] ?? ""))?.state).toBe("scheduled");
  });

  test("a signal that comes before the wait is kept for one job, the first that waits", async () => {
    const { job, queue } = setUp(kind.create(), waits);
    expect(await queue.signal("reply-42", 1)).toEqual({ woken: 0, kept: true });
    expect(await queue.signal("reply-42", 2)).toEqual({ woken: 0, kept: true });
    const { id } = await queue.enqueue(job, ["reply-42", "reply-42", "reply-42"]);
    expect(await queue.drain()).toMatchObject({ snoozed: 3 });
    expect(await queue.getJob(id)).toMatchObject({
      waitingFor: { events: ["reply-42"] },
      steps: [
        { name: "reply-42", state: "completed", result: 1 },
        { name: "reply-42 (2)", state: "completed", result: 2 },
        { name: "reply-42 (3)", state: "waiting" },
      ],
    });
    expect(await queue.signal("reply-42")).toEqual({ woken: 1, kept: false });
    await queue.drain();
    expect((await queue.getJob(id))?.result).toEqual([1, 2, null]);
  });

  test("a kept signal is gone when its time is over, and with `keep: 0` at once", async () => {
    const { clock, job, queue } = setUp(kind.create(), waits);
    expect(await queue.signal("a", 1, { keep: 0 })).toEqual({ woken: 0, kept: false });
    expect(await queue.signal("a", 2, { keep: "1h" })).toEqual({ woken: 0, kept: true });
    expect(await queue.signal("a", 3, { keep: "3h" })).toEqual({ woken: 0, kept: true });
    await clock.advance(2 * 60 * minute);
    const { id } = await queue.enqueue(job, ["a"]);
    await queue.drain();
    expect((await queue.getJob(id))?.result).toEqual([3]);
  });

  test("the same id acts once", async () => {
    const { job, queue } = setUp(kind.create(), waits);
    const { id } = await queue.enqueue(job, ["a", "a"]);
    await queue.drain();
    expect(await queue.signal("a", 1, { id: "msg-1" })).toEqual({ woken: 1, kept: false });
    await queue.drain();
    expect(await queue.signal("a", 1, { id: "msg-1" })).toEqual({ woken: 1, kept: false });
    await queue.drain();
    expect((await queue.getJob(id))?.state).toBe("scheduled");
    expect(await queue.signal("b", 1, { id: "msg-2" })).toEqual({ woken: 0, kept: true });
    expect(await queue.signal("b", 1, { id: "msg-2" })).toEqual({ woken: 0, kept: true });
    const both = await queue.enqueue(job, ["b", "b"]);
    await queue.drain();
    expect((await queue.getJob(both.id))?.steps?.map(({ state }) => state)).toEqual(["completed", "waiting"]);
  });

  test("an id is known for as long as `keep`, and at least 10 minutes", async () => {
    const { clock, job, queue } = setUp(kind.create(), waits);
    const { id } = await queue.enqueue(job, ["a", "a", "a"]);
    await queue.drain();
    expect(await queue.signal("a", 1, { id: "tick", keep: 0 })).toEqual({ woken: 1, kept: false });
    await queue.drain();
    await clock.advance(10 * minute - 1);
    await queue.signal("a", 2, { id: "tick", keep: "1h" });
    await clock.advance(1);
    expect(await queue.signal("a", 3, { id: "tick", keep: "1h" })).toEqual({ woken: 1, kept: false });
    await queue.drain();
    await clock.advance(60 * minute - 1);
    await queue.signal("a", 4, { id: "tick" });
    await clock.advance(1);
    await queue.signal("a", 5, { id: "tick" });
    await queue.drain();
    expect((await queue.getJob(id))?.result).toEqual([1, 3, 5]);
  });

  test("an id is one of its event: another event with the same id acts", async () => {
    const { job, queue } = setUp(kind.create(), waits);
    const { id } = await queue.enqueue(job, ["b"]);
    await queue.drain();
    expect(await queue.signal("a", 1, { id: "m" })).toEqual({ woken: 0, kept: true });
    expect(await queue.signal("b", 2, { id: "m" })).toEqual({ woken: 1, kept: false });
    await queue.drain();
    expect((await queue.getJob(id))?.result).toEqual([2]);
  });

  test("a wait for several events takes the first, and the others no longer wake the job", async () => {
    const { job, queue } = setUp(kind.create(), waits);
    const { id } = await queue.enqueue(job, [["paid", "cancelled"], "done"]);
    await queue.drain();
    expect((await queue.getJob(id))?.waitingFor?.events).toEqual(["paid", "cancelled"]);
    expect(await queue.signal("cancelled", "why")).toEqual({ woken: 1, kept: false });
    // The job has got its signal and has not run yet.
    expect(await queue.signal("paid", 1)).toEqual({ woken: 0, kept: true });
    await queue.drain();
    expect(await queue.signal("paid", 2)).toEqual({ woken: 0, kept: true });
    await queue.signal("done");
    await queue.drain();
    expect((await queue.getJob(id))?.result).toEqual(["why", null]);
  });

  test("a wait ends with null at its timeout, and a signal after that is kept for others", async () => {
    const { clock, job, queue } = setUp(kind.create(), waits);
    const { id } = await queue.enqueue(job, ["a"]);
    await queue.drain();
    await clock.advance(7 * day);
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({ result: [null], steps: [{ state: "timedOut" }] });
    expect(await queue.signal("a", 1)).toEqual({ woken: 0, kept: true });
    const other = await queue.enqueue(job, ["a"]);
    await queue.drain();
    expect((await queue.getJob(other.id))?.result).toEqual([1]);
  });

  test("a signal counts until the timeout has been seen, by whatever clock it comes", async () => {
    const { clock, job, queue } = setUp(kind.create(), waits);
    const { id } = await queue.enqueue(job, ["a"]);
    await queue.drain();
    // The sender's clock is ahead.
    await clock.advance(8 * day);
    expect(await queue.signal("a", 1)).toEqual({ woken: 1, kept: false });
    await queue.drain();
    expect((await queue.getJob(id))?.result).toEqual([1]);
  });

  test("a signal that comes while the job runs is kept for its next wait", async () => {
    const { job, queue } = setUp(kind.create(), async (context) => {
      await context.step("ask", () => queue.signal("answer", "early"));
      return context.waitFor("answer", { timeout: "1h" });
    });
    const { id } = await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ snoozed: 1, completed: 1 });
    expect((await queue.getJob(id))?.result).toBe("early");
  });

  test("a job that runs after its timeout waits no longer: a signal does not start it a second time", async () => {
    let starts = 0;
    const sent: unknown[] = [];
    const { clock, job, queue } = setUp(kind.create(), async (context) => {
      starts++;
      const got = await context.waitFor("a", { timeout: "1h" });
      sent.push(await queue.signal("a", "late"));
      return got;
    });
    const { id } = await queue.enqueue(job);
    await queue.drain();
    await clock.advance(60 * minute);
    expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
    expect({ starts, sent, result: (await queue.getJob(id))?.result }).toEqual({
      starts: 2,
      sent: [{ woken: 0, kept: true }],
      result: null,
    });
  });

  test("an attempt that fails after a timeout sees the timeout again, whatever signal comes meanwhile", async () => {
    const seen: unknown[] = [];
    const { clock, job, queue } = setUp(kind.create(), async (context) => {
      seen.push(await context.waitFor("a", { timeout: "1h" }));
      if (context.attempt === 1) throw new Error("no luck");
    });
    await queue.enqueue(job);
    await queue.drain();
    await clock.advance(60 * minute);
    await queue.drain();
    expect(await queue.signal("a", "late")).toEqual({ woken: 0, kept: true });
    await clock.advance(minute);
    await queue.drain();
    expect(seen).toEqual([null, null]);
  });

  test("a job that is cancelled while it waits, cleared, or changed leaves nothing of its wait behind", async () => {
    const { job, queue } = setUp(kind.create(), waits);
    const [cancelled, cleared, kept] = await queue.enqueueMany(
      ["a", "a", "a"].map((event) => ({ job, payload: [event, "end"] })),
    );
    await queue.drain();
    await queue.cancel(cancelled?.id ?? "");
    await queue.update(kept?.id ?? "", { payload: ["a"] });
    expect(await queue.signal("a", 1)).toEqual({ woken: 2, kept: false });
    await queue.drain();
    expect((await queue.getJob(kept?.id ?? ""))?.result).toEqual([1]);
    expect((await queue.getJob(cleared?.id ?? ""))?.waitingFor?.events).toEqual(["end"]);
    await queue.clear({ state: "pending" });
    expect(await queue.signal("end", 1)).toEqual({ woken: 0, kept: true });
  });

  test("a job with a flow control key waits without its slot, and joins its line when it is woken", async () => {
    const running: number[] = [];
    const { job, queue } = setUp(kind.create(), waits, { flowControl: { key: "k", concurrency: 1 } });
    await queue.enqueueMany([["a"], ["a"], ["a"]].map((payload) => ({ job, payload })));
    await queue.drain();
    running.push((await queue.flowControl.get("k"))?.running ?? 0);
    expect(await queue.signal("a", 1)).toEqual({ woken: 3, kept: false });
    expect(await queue.drain()).toMatchObject({ completed: 3 });
    expect([...running, (await queue.flowControl.get("k"))?.waiting ?? 0]).toEqual([0, 0]);
  });

  test("an outcome that does not count leaves a kept signal to the next job that waits", async () => {
    const store = kind.create().open("default");
    const waitsFor = (lease: Lease): Outcome => ({
      to: "snoozed",
      lease,
      runAt: start + day,
      record: '1:{"waits":"8:a"}',
      waits: "8:a",
    });
    const ids = ["one", "two"];
    const jobs = ids.map((id) => ({ id, isFreshId: false, runAt: start, record: "1:{}", leaseEndsAt: start + minute }));
    const [one, two] = (await store.enqueue(jobs, start)).map(({ lease }) => lease) as [Lease, Lease];
    await store.signal({ id: "m", event: "a", text: "1", keepMs: day, knownMs: day }, start);
    const completed: Outcome = { to: "completed", lease: one, record: "1:{}" };
    const settle = (settle: readonly Outcome[]) => store.settle({ now: start, settle, retentionMs: minute });
    expect((await settle([completed, waitsFor(one)])).settled).toEqual([true, false]);
    await settle([waitsFor(two)]);
    expect(await store.find("two", start)).toMatchObject({ state: "ready" });
  });

  test("one event keeps 256 KiB of signals, and refuses more with advice", async () => {
    const { queue } = setUp(kind.create(), waits);
    await queue.signal("a", "x".repeat(200 * 1024));
    await expect(queue.signal("a", "x".repeat(100 * 1024))).rejects.toMatchObject({ code: "conflict" });
    await expect(queue.signal("b", "x".repeat(300 * 1024))).rejects.toMatchObject({ code: "payload_too_large" });
    expect(await queue.signal("b", 1)).toEqual({ woken: 0, kept: true });
  });

  test("names of signals may hold any text", async () => {
    const names = ["a b", 'q"uote', "ü", "100%", "a\\b", "a;b=c", "x".repeat(256)];
    const { job, queue } = setUp(kind.create(), waits);
    const { id } = await queue.enqueue(job, [names.slice(0, 6), names[6]]);
    await queue.drain();
    expect((await queue.getJob(id))?.waitingFor?.events).toEqual(names.slice(0, 6));
    expect(await queue.signal("a\\b", 5)).toEqual({ woken: 1, kept: false });
    await queue.drain();
    expect(await queue.signal(names[6] ?? "", 7)).toEqual({ woken: 1, kept: false });
    await queue.drain();
    expect((await queue.getJob(id))?.result).toEqual([5, 7]);
  });
});
