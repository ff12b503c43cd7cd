import { expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, type Figures, Queue, type QueueOptions } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { chosen, seededRandom } from "../support/random.ts";
import { onEachKindOfStore } from "../support/stores.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

onEachKindOfStore((kind) => {
  const clock = testClock(start);
  const works = defineJob({
    name: "works",
    perform: async (ms: number) => {
      if (ms > 0) await clock.advance(ms);
    },
  });
  const fails = defineJob({
    name: 'fails "ä"',
    maxRetries: 1,
    backoff: { base: 0 },
    perform: () => Promise.reject(new Error("no luck")),
  });

  function setUp(options: Partial<QueueOptions> = {}) {
    return { queue: new Queue({ store: kind.create(), clock, jobs: [works, fails], logger: null, ...options }) };
  }

  const counts = ({ processed, retried, dead }: Omit<Figures, "at" | "waiting" | "running">) => [
    processed,
    retried,
    dead,
  ];

  test("counts by name what became of jobs, and how long they waited and ran", async () => {
    const { queue } = setUp();
    await queue.enqueueMany([{ job: works, payload: 0 }, { job: works, payload: 0 }, { job: fails }]);
    await queue.drain();
    await queue.enqueue(works, 2_000);
    await clock.advance(300);
    await queue.drain();
    const { names, other } = await queue.getFigures();
    expect(other).toBeNull();
    expect(names.map(({ name }) => name)).toEqual(['fails "ä"', "works"]);
    const [failed, worked] = names;
    for (const each of [failed?.total, failed?.hour, failed?.days.at(-1)])
      expect(each && counts(each)).toEqual([0, 1, 1]);
    expect(worked).toMatchObject({
      total: { processed: 3, retried: 0, dead: 0 },
      hour: { waiting: { medianMs: 0, p95Ms: 300 }, running: { medianMs: 0, p95Ms: 1_802 } },
    });
    expect(worked?.days).toHaveLength(8);
    expect(worked?.days[0]).toMatchObject({ processed: 0, waiting: null, running: null });
    expect((await queue.getFigures({ days: 0 })).names.map(({ days }) => days)).toEqual([[], []]);
  });

  test("of one name alone, if asked, with the jobs that wait under it", async () => {
    const { queue } = setUp();
    await queue.enqueueMany([{ job: works, payload: 0 }, { job: works, payload: 0 }, { job: fails }]);
    const { names, other } = await queue.getFigures({ name: "works", pending: true });
    expect(names).toMatchObject([{ name: "works", pending: { count: 2 } }]);
    expect(other).toBeNull();
    expect(await queue.getFigures({ name: "none" })).toEqual({ names: [], other: null });
  });

  test("keeps an hour and eight days of a name, its totals for good, and two weeks of hours", async () => {
    const { queue } = setUp();
    const runOne = async () => {
      await queue.enqueue(works, 0);
      await queue.drain();
    };
    const read = async () => {
      const [one] = (await queue.getFigures()).names;
      const { hours } = await queue.getHistory();
      return {
        total: one?.total.processed,
        hour: one?.hour.processed,
        days: one?.days.map(({ processed }) => processed),
        hours: hours.flatMap(({ processed }, index) => (processed > 0 ? index - hours.length + 1 : [])),
      };
    };
    await runOne();
    expect(await read()).toEqual({ total: 1, hour: 1, days: [0, 0, 0, 0, 0, 0, 0, 1], hours: [0] });
    await clock.advance("59m");
    expect((await read()).hour).toBe(1);
    await clock.advance("11m");
    await runOne();
    expect(await read()).toMatchObject({ total: 2, hour: 1 });
    await clock.advance(8 * DAY_MS);
    expect(await read()).toMatchObject({ total: 2, hour: 0, days: [0, 0, 0, 0, 0, 0, 0, 0] });
    await runOne();
    await clock.advance(6 * DAY_MS);
    await runOne();
    expect(await read()).toEqual({ total: 4, hour: 1, days: [0, 1, 0, 0, 0, 0, 0, 1], hours: [-6 * 24, 0] });
  });

  test("equals a count by hand of many jobs of many names over days", async () => {
    const random = seededRandom(7);
    const settled: { name: string; at: number }[] = [];
    const jobs = Array.from({ length: 12 }, (_, index) => {
      const name = `job ${index}`;
      return defineJob({ name, perform: () => void settled.push({ name, at: clock.now }) });
    });
    const { queue } = setUp({ jobs });
    for (let round = 0; round < 25; round++) {
      const some = Array.from({ length: Math.ceil(random() * 9) }, () => ({ job: chosen(jobs, random) }));
      await queue.enqueueMany(some);
      await queue.drain();
      await clock.advance(Math.floor(random() ** 3 * 2 * DAY_MS));
    }
    const countOf = ({ at }: Figures, lengthMs: number, name?: string) => {
      const from = at.getTime();
      const isCounted = (each: (typeof settled)[0]) =>
        each.at >= from && each.at < from + lengthMs && (name ?? each.name) === each.name;
      return settled.filter(isCounted).length;
    };
    const { names } = await queue.getFigures();
    expect(names.map(({ name }) => name)).toEqual([...new Set(settled.map(({ name }) => name))].sort());
    for (const { name, total, hour, days } of names) {
      expect(total.processed).toBe(settled.filter((each) => each.name === name).length);
      expect(hour.processed).toBe(countOf(hour, 2 * HOUR_MS, name));
      expect(days.map(({ processed }) => processed)).toEqual(days.map((day) => countOf(day, DAY_MS, name)));
    }
    const { hours } = await queue.getHistory();
    expect(hours).toHaveLength(336);
    expect(hours.map(({ processed }) => processed)).toEqual(hours.map((hour) => countOf(hour, HOUR_MS)));
  });

  test("a hundred names have figures of their own, and all others share some", async () => {
    const jobs = Array.from({ length: 103 }, (_, index) => defineJob({ name: `job ${index}`, perform: () => {} }));
    const { queue } = setUp({ jobs });
    for (let times = 0; times < 2; times++) {
      await queue.enqueueMany(jobs.map((job) => ({ job })));
      await queue.drain({ maxJobs: 200 });
    }
    const { names, other } = await queue.getFigures({ days: 1 });
    expect(names).toHaveLength(100);
    expect(names.every(({ total, hour, days }) => [total, hour, ...days].every((each) => each.processed === 2))).toBe(
      true,
    );
    expect(other).toMatchObject({
      name: "other",
      total: { processed: 6 },
      hour: { processed: 6 },
      days: [{ processed: 6 }],
    });
  });

  test("counts on request how many jobs wait under each name, whatever they wait for", async () => {
    const names = ["plain", 'a "quoted" \\', "ü \u2028 ]"];
    const jobs = names.map((name) =>
      defineJob({ name, maxRetries: 1, perform: () => Promise.reject(new Error("no")) }),
    );
    const { queue } = setUp({ jobs });
    const [plain, quoted, odd] = jobs;
    if (!plain || !quoted || !odd) throw new Error("There are three jobs.");
    await queue.enqueueMany([{ job: plain }, { job: quoted }, { job: quoted, delay: "1h" }]);
    const flowControl = { key: "te:na%nt", concurrency: 1 };
    await queue.enqueueMany([1, 2, 3].map(() => ({ job: odd, delay: "1h", flowControl })));
    const pending = async () => {
      const figures = await queue.getFigures({ days: 1, pending: true });
      return figures.names.map(({ name, pending }) => [name, pending?.count, pending?.estimated]);
    };
    const [a, b, c] = [...names].sort();
    const counts = { plain: 1, [quoted.name]: 2, [odd.name]: 3 };
    expect(await pending()).toEqual([a, b, c].map((name = "") => [name, counts[name], false]));
    await queue.drain({ maxJobs: 2 });
    expect(await pending()).toEqual([a, b, c].map((name = "") => [name, counts[name], false]));
    // Both die with the second attempt, and the lane starts one of its three.
    await clock.advance("1h");
    await queue.drain({ maxJobs: 3 });
    const { enqueueHeld } = internalsOf(queue);
    await enqueueHeld([{ job: plain }]);
    const { pendingCount } = await queue.getStats();
    expect((await pending()).reduce((sum, [, count]) => sum + Number(count), 0)).toBe(pendingCount);
    // The lease of the job that was started at enqueue ends: it waits again.
    await clock.advance("1h");
    expect((await queue.getStats()).pendingCount).toBe(pendingCount + 1);
    expect((await pending()).reduce((sum, [, count]) => sum + Number(count), 0)).toBe(pendingCount + 1);
    expect((await queue.getFigures()).names.every((each) => !("pending" in each))).toBe(true);
  });

  test("counts waiting jobs of more than a hundred names, those with few jobs together", async () => {
    const jobs = Array.from({ length: 103 }, (_, index) => defineJob({ name: `job ${index}`, perform: () => {} }));
    const { queue } = setUp({ jobs, observe: false });
    const two = jobs.slice(0, 99).flatMap((job) => [{ job }, { job }]);
    await queue.enqueueMany([...two, ...jobs.slice(99).map((job) => ({ job }))]);
    const { names, other } = await queue.getFigures({ days: 0, pending: true });
    expect(names).toHaveLength(100);
    expect(names.filter(({ pending }) => pending?.count === 2)).toHaveLength(99);
    expect(other).toMatchObject({ name: "other", total: { processed: 0 }, pending: { count: 3, estimated: false } });
  });

  test("without observe it keeps the history, and no figures by name", async () => {
    const { queue } = setUp({ observe: false });
    await queue.enqueue(works, 0);
    await queue.drain();
    expect(await queue.getFigures()).toEqual({ names: [], other: null });
    expect((await queue.getHistory({ hours: 1 })).hours).toMatchObject([{ processed: 1, running: { medianMs: 0 } }]);
  });
});
