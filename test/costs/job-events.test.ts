import { beforeAll, describe, expect, test } from "vitest";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { readEvents } from "../support/job-events.ts";
import { useRedis } from "../support/stores.ts";

// What it costs to watch a job, counted by Redis: the figures of docs/guide/clients.md.

const watchSecret = "a secret of the tests";

describe("watching a job", () => {
  const redis = useRedis();

  function setUp() {
    const clock = testClock(start);
    const store = clock.watch(redis.store());
    const stop = new AbortController();
    /** Reports progress so often that each reading finds a change. */
    const work = defineJob({
      name: "work",
      timeout: "12h",
      async perform(_: undefined, job) {
        for (let count = 0; !stop.signal.aborted; count++) {
          await job.progress(count);
          await clock.sleep(Math.min(Math.max(950, (clock.now - start) / 62), 14_000), stop.signal);
        }
      },
    });
    const options = { store, jobs: [work], clock, watchSecret, logger: null };
    const [worker, queue] = [new Queue(options), new Queue(options)];
    const { fetch } = createHandler({ queue, auth: { admin: ["the-admin-token"] } });
    const begin = async (id: string) => {
      await worker.enqueue(work, undefined, { id });
      void worker.drain({
        maxJobs: 1,
        timeBudget: "24h",
        budget: { roundTrips: 9_999, commands: 99_999 },
        signal: stop.signal,
      });
      await clock.advance(0);
    };
    /** Watches as a browser does, and resumes whenever a stream ends. */
    const view = async (id: string) => {
      const token = await queue.watchToken(id, { ttl: "24h" });
      let lastId = "";
      for (let streams = 0; streams < 200; streams++) {
        const headers = { ...(lastId && { "Last-Event-ID": lastId }) };
        const response = await fetch(new Request(`http://queue.test/jobs/${id}/events?token=${token}`, { headers }));
        const events = readEvents(response);
        const leave = () => void events.leave();
        stop.signal.addEventListener("abort", leave);
        await events.ended;
        stop.signal.removeEventListener("abort", leave);
        lastId = events.lastId || lastId;
        if (stop.signal.aborted) return;
      }
    };
    const end = async () => {
      stop.abort();
      await clock.advance("20s");
    };
    const spent = () => internalsOf(queue).meter.commands;
    return { clock, queue, work, worker, begin, view, end, spent };
  }

  // Loads the scripts.
  beforeAll(async () => {
    const { queue, work } = setUp();
    await queue.enqueue(work, undefined, { id: "first", delay: "1d" });
    await queue.getJob("first");
  });

  test("costs one viewer at most 1,300 commands in the first hour, 800 in a later one, and the others nothing", async () => {
    const { clock, begin, view, end, spent } = setUp();
    await begin("a");
    const before = spent();
    const viewers = [view("a"), view("a")];
    await clock.advance("20m");
    const first = spent() - before;
    // Since the fifteenth minute, the readings are as far apart as they ever are.
    await clock.advance("10m");
    const later = 6 * (spent() - before - first);
    await end();
    await Promise.all(viewers);
    expect(first + (2 / 3) * later).toBeLessThanOrEqual(1_300);
    expect(later).toBeLessThanOrEqual(800);
  });

  test.runIf(isForAll)(
    "costs at most 1,000 commands in the first hour of a job of which nothing is heard",
    async () => {
      const { clock, queue, work, view, end, spent } = setUp();
      await queue.enqueue(work, undefined, { id: "a", delay: "1d" });
      const unread = spent();
      const viewer = view("a");
      await expect.poll(spent).toBeGreaterThan(unread);
      await clock.advance(0);
      const before = spent();
      const { commands } = await countCommands(redis.server.port, () => clock.advance("1h"));
      expect(commands).toBe(spent() - before);
      expect(commands).toBeLessThanOrEqual(1_000);
      await end();
      await viewer;
    },
  );
});
