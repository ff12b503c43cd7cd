import { expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";

onEachKindOfStore((kind) => {
  const plain = defineJob({ name: "plain", perform() {} });
  const flowControl = { key: "tenant", concurrency: 1, rate: 100, period: "1h" } as const;
  const keyed = defineJob({ name: "keyed", flowControl, perform() {} });
  const minutely = defineJob({
    name: "minutely",
    schedule: { cron: "0 * * * * *", timeZone: "UTC", missed: "all" },
    flowControl,
    perform() {},
  });

  const leastOf = (queue: Queue) => ({ roundTrips: internalsOf(queue).leastRoundTrips, commands: 1 });

  const jobs = {
    plain: { job: plain },
    keyed: { job: keyed },
    long: { job: plain, timeout: "2h" },
    "keyed long": { job: keyed, timeout: "2h" },
  } as const;
  const cases: readonly (readonly (keyof typeof jobs)[])[] = [
    ["plain", "plain"],
    ["keyed", "keyed"],
    ["long", "long"],
    ["keyed long", "keyed long"],
    [...Array(12).fill("plain"), "keyed long", "long", "keyed", ...Array(12).fill("plain")],
  ];

  test.each(cases)("the least budget runs a job in each new process: %s, %s, ...", async (...names) => {
    const clock = testClock(start);
    const open = kind.shared();
    const drain = () => {
      const queue = new Queue({ store: open(), clock, jobs: [plain, keyed] });
      return queue.drain({ budget: leastOf(queue) });
    };
    await new Queue({ store: open(), clock }).enqueueMany(names.map((name) => jobs[name]));
    for (let left = names.length; left > 0; ) {
      const { completed, lost } = await drain();
      expect({ lost, progress: completed > 0 }).toEqual({ lost: 0, progress: true });
      left -= completed;
    }
    // A server without HSETEX gets other scripts once that is known, and does not have them yet.
    await drain();
    expect(await drain()).toMatchObject({ claimed: 0, stoppedBy: "empty" });
  });

  test("the least budget activates a schedule, and shrinks its backlog in each new process", async () => {
    const clock = testClock(start);
    const open = kind.shared();
    const drain = () => {
      const queue = new Queue({ store: open(), clock, jobs: [minutely] });
      return queue.drain({ budget: leastOf(queue) });
    };
    await drain();
    await clock.advance("5m");
    for (let left = 5; left > 0; ) {
      const { completed, lost, rearmed } = await drain();
      expect({ lost, progress: completed + rearmed > 0 }).toEqual({ lost: 0, progress: true });
      left -= completed;
    }
    expect(await drain()).toMatchObject({ claimed: 0, stoppedBy: "empty" });
  });

  test("less than the least budget is refused before anything is written", async () => {
    const queue = new Queue({ store: kind.create(), clock: testClock(start), jobs: [plain, minutely] });
    const { roundTrips } = leastOf(queue);
    await expect(queue.drain({ budget: { roundTrips: roundTrips - 1 } })).rejects.toMatchObject({
      code: "invalid_request",
      message: 'budget.roundTrips must be at least 5 to drain the queue "default".',
    });
    expect(await queue.schedules.list()).toEqual([]);
  });
});
