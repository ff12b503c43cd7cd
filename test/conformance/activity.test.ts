import { expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";

const minute = 60_000;

onEachKindOfStore((kind) => {
  function setUp() {
    const clock = testClock(start);
    const works = defineJob({
      name: "works",
      perform: async (ms: number) => {
        if (ms > 0) await clock.advance(ms);
      },
    });
    const fails = defineJob({
      name: "fails",
      maxRetries: 1,
      backoff: { base: "1m" },
      perform: () => Promise.reject(new Error("no luck")),
    });
    return { clock, works, fails, queue: new Queue({ store: kind.create(), clock, jobs: [works, fails] }) };
  }

  test("counts what was done in each of the last 60 minutes", async () => {
    const { clock, queue, works, fails } = setUp();
    await queue.enqueueMany([{ job: works, payload: 0 }, { job: works, payload: 0 }, { job: fails }]);
    await queue.drain();
    await clock.advance("1m");
    await queue.drain();
    const { minutes, stats } = await queue.getActivity();
    expect(stats).toEqual(await queue.getStats());
    expect(minutes).toHaveLength(60);
    expect(minutes.slice(-2)).toMatchObject([
      { at: new Date(start), processed: 2, retried: 1, dead: 0 },
      { at: new Date(start + minute), processed: 0, retried: 0, dead: 1 },
    ]);
    expect(minutes[0]).toMatchObject({ at: new Date(start - 58 * minute), processed: 0, retried: 0, dead: 0 });
  });

  test("has a pulse that changes with whatever happens to jobs, and with nothing else", async () => {
    const { clock, queue, works, fails } = setUp();
    const seen = [await internalsOf(queue).store.pulse()];
    const changesWith = async (what: string, act: () => Promise<unknown>) => {
      await act();
      const pulse = await internalsOf(queue).store.pulse();
      expect(seen, what).not.toContain(pulse);
      seen.push(pulse);
    };
    await changesWith("an enqueue", () => queue.enqueue(works, 0, { id: "a" }));
    await changesWith("a completion", () => queue.drain());
    await changesWith("an enqueue for later", () => queue.enqueue(works, 0, { id: "b", delay: "1h" }));
    await changesWith("a cancellation", () => queue.cancel("b"));
    await changesWith("another job", () => queue.enqueue(fails, undefined, { id: "c" }));
    await changesWith("a retry", () => queue.drain());
    await clock.advance("1m");
    await changesWith("a death", () => queue.drain());
    await changesWith("a pause", () => queue.pause());
    await changesWith("a removal", () => queue.removeFromDeadLetter({ all: true }));
    await queue.getActivity();
    await clock.advance("1h");
    expect(await internalsOf(queue).store.pulse()).toBe(seen.at(-1));
  });

  test("forgets a minute after an hour, and reuses its place", async () => {
    const { clock, queue, works } = setUp();
    const runOne = () => queue.enqueue(works, 0).then(() => queue.drain());
    await runOne();
    await clock.advance("59m");
    const before = await queue.getActivity();
    expect(before.minutes[0]).toMatchObject({ at: new Date(start), processed: 1 });
    await clock.advance("5m");
    await runOne();
    const after = await queue.getActivity();
    expect(after.minutes.reduce((sum, { processed }) => sum + processed, 0)).toBe(1);
    expect(after.minutes.at(-1)).toMatchObject({ at: new Date(start + 64 * minute), processed: 1 });
  });

  test("records how long jobs waited and ran, whatever their outcome", async () => {
    const { clock, queue, works, fails } = setUp();
    await queue.enqueue(works, 2_000);
    await clock.advance(300);
    await queue.drain();
    await queue.enqueue(fails);
    await queue.drain();
    await clock.advance("1m");
    await queue.drain();
    const { waiting, running } = await queue.getActivity();
    expect(waiting.counts.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(waiting.counts[waiting.bounds.indexOf(500)]).toBe(1);
    expect(waiting.sumMs).toBe(300);
    expect(running.counts[running.bounds.indexOf(2_500)]).toBe(1);
    expect(running.counts[0]).toBe(2);
    expect(running.sumMs).toBe(2_000);
    expect(running.counts).toHaveLength(running.bounds.length + 1);
  });

  test("times no job that was released without running", async () => {
    const { queue, works } = setUp();
    await queue.enqueue(works, 0);
    await queue.drain({ signal: AbortSignal.abort() });
    expect((await queue.getActivity()).running.counts.every((count) => count === 0)).toBe(true);
  });

  test("times no job that is dead-lettered because its invocations died", async () => {
    const { clock, queue, works } = setUp();
    await internalsOf(queue).enqueueHeld([{ job: works, payload: 0, maxRetries: 0 }]);
    await clock.advance("1h");
    expect(await queue.drain()).toMatchObject({ deadLettered: 1 });
    expect((await queue.getActivity()).running.counts.every((count) => count === 0)).toBe(true);
  });
});
