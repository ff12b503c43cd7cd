import { describe, expect, test } from "vitest";
import type { FlowLimits } from "../../src/core/store/flow.ts";
import type { ClaimRequest, Lease, LeasedJob, Outcome } from "../../src/core/store/store.ts";
import { defineJob, type FlowControlOptions, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore, onEveryStore } from "../support/stores.ts";

// A slot of a flow control key takes a run of jobs, which begin one after the other without a request.

const minute = 60_000;
const names = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `job-${index + from}`);
const idsOf = (jobs: readonly LeasedJob[]) => jobs.map(({ lease }) => lease.id);
const runsOf = (jobs: readonly LeasedJob[]) => jobs.map(({ run }) => run);
const endedAs =
  (ranMs: number) =>
  ({ lease }: LeasedJob): Outcome => ({ to: "completed", lease, record: "1:{}", timing: { waitedMs: 0, ranMs } });
const completed = endedAs(100);

onEveryStore((kind) => {
  /** Jobs of a key, and claims that take up to three of them for a slot. */
  async function openWith(limits: Partial<FlowLimits>, count = 5) {
    const store = kind.create().open("default");
    const enqueue = (ids: readonly string[], now = start, key = "tenant") =>
      store.enqueue(
        ids.map((id) => ({
          ...{ id, isFreshId: true, runAt: now, record: "1:{}" },
          flow: { key, limits: { concurrency: 0, rate: 0, periodMs: 0, ordered: false, ...limits } },
        })),
        now,
      );
    await enqueue(names(count));
    const claim = async (
      settle: readonly Outcome[] = [],
      now = start,
      claim: Partial<ClaimRequest> = { runs: { ms: 300, jobMs: 100, startable: 100 } },
    ) => {
      const limits = { limit: 10, leaseMs: minute, ...claim };
      return (await store.exchange({ now, settle, fire: [], retentionMs: 0, claim: limits })).jobs;
    };
    const running = async () => (await store.findFlow("tenant", start))?.running;
    return { store, enqueue, claim, running };
  }

  test("a slot takes several jobs, and stays taken until the last of them has ended", async () => {
    const { claim, running } = await openWith({ concurrency: 1 });
    const jobs = await claim();
    expect(idsOf(jobs)).toEqual(names(3));
    expect(runsOf(jobs)).toEqual(names(3).map(() => ({ slots: 1, isAwaited: true })));
    expect(await running()).toBe(1);
    const [first, second, third] = jobs.map(completed) as [Outcome, Outcome, Outcome];
    expect(await claim([third, first])).toEqual([]);
    const rest = await claim([second]);
    expect(idsOf(rest)).toEqual(names(2, 3));
    expect(runsOf(rest)).toEqual(names(2).map(() => ({ slots: 1 })));
    await claim(rest.map(completed));
    expect(await running()).toBe(undefined);
  });

  test("a claim that does not ask for runs takes one job a slot", async () => {
    const { claim } = await openWith({ concurrency: 2 });
    expect(idsOf(await claim([], start, {}))).toEqual(names(2));
  });

  test("slots of a key share what waits", async () => {
    const { claim } = await openWith({ concurrency: 2 });
    expect(runsOf(await claim())).toEqual(names(5).map(() => ({ slots: 2 })));
  });

  test("a key whose jobs take long gives as many as its own pace allows, whatever others take", async () => {
    const { claim } = await openWith({ concurrency: 1 }, 40);
    const slow = (await claim()).map(endedAs(299));
    expect(await claim(slow)).toHaveLength(1);
  });

  test("a key with limited slots gives nothing that the caller cannot start, while others fill the batch", async () => {
    const { enqueue, claim } = await openWith({ concurrency: 1 });
    await enqueue(names(5, 5), start, "zebra");
    const runs = { ms: 500, jobMs: 100, startable: 1 };
    const jobs = await claim([], start, { limit: 4, runs });
    expect(new Set(jobs.map(({ lease }) => lease.flow?.key)).size).toBe(1);
  });

  test("a run whose leases have run out goes back in its order, and none of its jobs runs beside another", async () => {
    const { claim, running } = await openWith({ ordered: true });
    expect(idsOf(await claim())).toEqual(names(3));
    const later = start + 2 * minute;
    expect(await claim([], later)).toEqual([]);
    const jobs = await claim([], later);
    expect(jobs.map(({ lease }) => [lease.id, lease.claims])).toEqual(names(3).map((id) => [id, 2]));
    expect(await running()).toBe(1);
  });

  test("a claim that gives a run back and takes other jobs of its key loses none", async () => {
    const { store, enqueue, claim } = await openWith({ concurrency: 2 }, 3);
    expect(await claim()).toHaveLength(3);
    const later = start + 2 * minute;
    const limits = { concurrency: 4, rate: 0, periodMs: 0, ordered: false };
    await store.changeFlow("tenant", { to: "set", limits }, later);
    await enqueue(names(3, 3), later);
    const ended: string[] = [];
    for (let jobs = await claim([], later); jobs.length > 0; jobs = await claim(jobs.map(completed), later))
      ended.push(...idsOf(jobs));
    expect(ended.sort()).toEqual(names(6));
  });

  test("a run keeps its slot until the last of its jobs is cancelled", async () => {
    const { store, claim } = await openWith({ concurrency: 1 });
    await claim();
    await store.cancel(["job-0", "job-2"], start, true);
    expect(await claim()).toEqual([]);
    await store.cancel(["job-1"], start, true);
    expect(idsOf(await claim())).toEqual(names(2, 3));
  });

  test("a job that extends its lease has a slot of its own, and the others keep theirs", async () => {
    const { store, claim, running } = await openWith({ concurrency: 1 });
    const [first, ...others] = (await claim()) as [LeasedJob, ...LeasedJob[]];
    const [lease] = await store.extend([{ lease: first.lease, endsAt: start + 5 * minute }]);
    expect(await running()).toBe(2);
    expect(await claim(others.map(completed))).toEqual([]);
    expect(await running()).toBe(1);
    expect(idsOf(await claim([completed({ ...first, lease: lease as Lease })]))).toEqual(names(2, 3));
  });

  test("each job of a run counts in the window, and the claim says when that closes", async () => {
    const { claim } = await openWith({ concurrency: 1, rate: 2, periodMs: 1_000 });
    const jobs = await claim();
    expect(runsOf(jobs).map((run) => run?.beginsBefore)).toEqual([start + 1_000, start + 1_000]);
    expect(await claim(jobs.map(completed), start + 999)).toEqual([]);
    expect(await claim([], start + 1_000)).toHaveLength(2);
  });
});

interface Work {
  readonly name: string;
  readonly takes?: number;
}

onEachKindOfStore((kind) => {
  /** A queue whose jobs take 20 ms each by the clock, and note what they did. */
  function openWith(flowControl: Omit<FlowControlOptions, "key">) {
    const clock = testClock(start);
    const ran: string[] = [];
    const beganAt: number[] = [];
    let [running, most] = [0, 0];
    const work = defineJob({
      name: "work",
      flowControl: { key: "tenant", ...flowControl },
      backoff: { type: "fixed", base: "10s" },
      async perform({ name, takes = 20 }: Work, job) {
        beganAt.push(clock());
        most = Math.max(most, ++running);
        await clock.sleep(takes);
        running--;
        ran.push(`${name}#${job.attempt}`);
        if (name === "fails" && job.attempt === 1) throw new Error("no luck");
        return name === "snoozes" && ran.filter((each) => each.startsWith(name)).length === 1
          ? job.snooze("10s")
          : undefined;
      },
    });
    const open = kind.shared();
    const queue = () => new Queue({ store: clock.watch(open()), clock, jobs: [work], logger: null });
    const enqueue = (payloads: readonly Work[]) =>
      queue().enqueueMany(payloads.map((payload) => ({ job: work, payload })));
    return { clock, queue, ran, beganAt, enqueue, most: () => most };
  }
  const work = (count: number) => names(count).map((name) => ({ name }));

  describe("a drain", () => {
    test("performs the jobs of an ordered key one by one, in few round trips", async () => {
      const { clock, queue, ran, enqueue, most } = openWith({ ordered: true });
      await enqueue(work(100));
      const drain = queue().drain();
      await clock.advance("10s");
      const report = await drain;
      expect(report).toMatchObject({ completed: 100, released: 0 });
      expect(report.roundTrips).toBeLessThan(10);
      expect(ran).toEqual(names(100).map((name) => `${name}#1`));
      expect(most()).toBe(1);
    });

    test.each(["fails", "snoozes"])("begins nothing of an ordered key behind a job that %s", async (stops) => {
      const { clock, queue, ran, enqueue } = openWith({ ordered: true });
      await enqueue(["a", "b", stops, "c", "d"].map((name) => ({ name })));
      const drain = queue().drain({ linger: "1m" });
      await clock.advance("2m");
      expect(await drain).toMatchObject({ completed: 5, released: 2 });
      const again = stops === "fails" ? 2 : 1;
      expect(ran).toEqual(["a#1", "b#1", `${stops}#1`, `${stops}#${again}`, "c#1", "d#1"]);
    });

    test("gives back what has waited for its key for two seconds", async () => {
      const { clock, queue, ran, enqueue, most } = openWith({ concurrency: 2 });
      await enqueue(names(12).map((name, index) => ({ name, takes: index === 2 ? minute / 4 : 20 })));
      const drain = queue().drain();
      await clock.advance("5s");
      expect(ran).toHaveLength(11);
      await clock.advance("1m");
      expect(await drain).toMatchObject({ completed: 12 });
      expect(most()).toBe(2);
    });

    test("begins as many jobs in a window as the rate allows, even if they wait for each other", async () => {
      const { clock, queue, ran, beganAt, enqueue } = openWith({ concurrency: 1, rate: 10, period: "100ms" });
      await enqueue(work(30).map((each) => ({ ...each, takes: 30 })));
      const drain = queue().drain({ linger: "20s" });
      await clock.advance("30s");
      expect((await drain).released).toBeGreaterThan(0);
      expect(ran).toHaveLength(30);
      for (const from of beganAt)
        expect(beganAt.filter((at) => at >= from && at < from + 100).length).toBeLessThanOrEqual(10);
    });

    test("shares the slots of a key with another drain", async () => {
      const { clock, queue, ran, enqueue, most } = openWith({ concurrency: 3 });
      await enqueue(work(60));
      const drains = Promise.all([queue().drain(), queue().drain()]);
      await clock.advance("10s");
      const reports = await drains;
      expect(reports.reduce((sum, { completed }) => sum + completed, 0)).toBe(60);
      expect(ran).toHaveLength(60);
      expect(most()).toBeLessThanOrEqual(3);
    });
  });
});
