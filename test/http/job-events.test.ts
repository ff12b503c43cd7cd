import { describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { readEvents } from "../support/job-events.ts";
import { watchedQueue } from "./watched-queue.ts";

const problemOf = async (response: Response) => (await response.json()) as { code: string; detail: string };

describe("the events of a job", () => {
  test("show it at once, then each change, and end with it", async () => {
    const { clock, queue, importRows, view, begin, act } = watchedQueue();
    await queue.enqueue(importRows, undefined, { id: "later", delay: "1h" });
    const waiting = await view("later");
    expect(waiting.events).toEqual([{ state: "scheduled", progress: null }]);
    await begin("a");
    const running = await view("a");
    expect(running.events).toEqual([{ state: "running", progress: null }]);
    await act({ progress: { rows: 1 } });
    await clock.advance("1s");
    expect(running.events.at(-1)).toEqual({ state: "running", progress: { rows: 1 } });
    await act({ returns: { rows: 3 } });
    await clock.advance("2s");
    expect(running.events).toHaveLength(3);
    expect(running.events.at(-1)).toEqual({ state: "completed", progress: { rows: 1 } });
    expect(running.hasEnded).toBe(true);
    expect([waiting.events.length, waiting.hasEnded]).toEqual([1, false]);
  });

  test("are a stream that nobody keeps, with what an EventSource needs to resume", async () => {
    const { begin, watch, view } = watchedQueue();
    await begin("a");
    const response = await watch("a");
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      "cache-control": "no-store",
      "content-type": "text/event-stream",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
    await response.body?.cancel();
    const [first] = (await view("a")).chunks;
    expect(first).toMatch(/^retry: 1000\n\nid: \w+\ndata: \{"state":"running","progress":null\}\n\n$/);
  });

  test("show the result, or the error without its stack, only to a token that says so", async () => {
    const { clock, begin, view, act } = watchedQueue();
    await begin("a");
    const [plain, full] = [await view("a"), await view("a", {}, true)];
    await act({ returns: { rows: 3 } });
    await clock.advance("2s");
    expect(plain.events.at(-1)).toEqual({ state: "completed", progress: null });
    expect(full.events.at(-1)).toEqual({ state: "completed", progress: null, result: { rows: 3 } });
    await begin("b");
    const [plainDead, fullDead] = [await view("b"), await view("b", {}, true)];
    await act({ throws: "no luck" });
    await clock.advance("2s");
    expect(plainDead.events.at(-1)).toEqual({ state: "dead", progress: null });
    const error = { name: "TypeError", message: "no luck" };
    expect(fullDead.events.at(-1)).toEqual({ state: "dead", progress: null, error });
    expect([plainDead.hasEnded, fullDead.hasEnded]).toEqual([true, true]);
  });

  test("show a token of the handler what GET /jobs/:id shows it", async () => {
    const { clock, begin, fetch, act } = watchedQueue();
    await begin("a");
    const viewAs = async (token: string) => {
      const headers = { Authorization: `Bearer ${token}` };
      return readEvents(await fetch(new Request("http://queue.test/jobs/a/events", { headers })));
    };
    const views = [await viewAs("the-read-token"), await viewAs("the-admin-token"), await viewAs("the-enqueue-token")];
    await clock.advance(0);
    await act({ throws: "no luck" });
    await clock.advance("2s");
    const errors = views.map(({ events }) => (events.at(-1) as { error: { message: string } }).error.message);
    expect(errors).toEqual(["no luck", "no luck", 'A token with the scope "read" sees the message.']);
  });

  test("name the step that a job has stored last, until it ends", async () => {
    const steps = defineJob({
      name: "steps",
      async perform(_: undefined, job) {
        await job.step("draft", () => "a text");
        await job.sleep("1h", { name: "pause" });
      },
    });
    const { clock, queue, view } = watchedQueue({ queue: { jobs: [steps] } });
    await queue.enqueue(steps, undefined, { id: "a" });
    await queue.drain();
    const { events } = await view("a");
    expect(events).toEqual([{ state: "scheduled", progress: null, step: "pause" }]);
    await clock.advance("1h");
    await queue.drain();
    expect((await view("a")).events).toEqual([{ state: "completed", progress: null }]);
  });

  test("count the children of a job that waits for them", async () => {
    const { clock, queue, importRows, view } = watchedQueue();
    const children = [{ job: importRows }, { job: importRows, delay: "1h" } as const];
    const { id } = await queue.enqueue(importRows, undefined, { children });
    const { events } = await view(id);
    expect(events).toMatchObject([{ children: { total: 2, pending: 2, dropped: 0 } }]);
    await queue.cancel((await queue.listChildren(id)).jobs[1]?.id ?? "");
    await clock.advance("5s");
    const seen = await view(id);
    expect(seen.events).toMatchObject([{ children: { total: 2, pending: 1, dropped: 1 } }]);
  });

  test("end with the state gone if the job is removed, also for a viewer that resumes too late to see it", async () => {
    const { clock, queue, importRows, view, watch } = watchedQueue();
    await queue.enqueue(importRows, undefined, { id: "a", delay: "1h" });
    const viewers = [await view("a"), await view("a")];
    await queue.cancel("a");
    await clock.advance("5s");
    for (const { events, hasEnded } of viewers)
      expect([events.at(-1), hasEnded]).toEqual([{ state: "gone", progress: null }, true]);
    const refused = await watch("a");
    expect([refused.status, (await problemOf(refused)).code]).toEqual([404, "not_found"]);
  });

  test("of an unknown job are refused before a stream begins, and a job that comes then is shown at once", async () => {
    const { queue, importRows, watch, view } = watchedQueue();
    expect((await watch("a")).status).toBe(404);
    await queue.enqueue(importRows, undefined, { id: "a", delay: "1h" });
    expect((await view("a")).events).toEqual([{ state: "scheduled", progress: null }]);
  });

  test("are sent with a comment every 15 s while nothing happens, so that proxies keep the connection", async () => {
    const { clock, queue, importRows, view } = watchedQueue();
    await queue.enqueue(importRows, undefined, { id: "a", delay: "1h" });
    const { chunks } = await view("a");
    await clock.advance("61s");
    expect(chunks.slice(1)).toEqual([":\n\n", ":\n\n", ":\n\n", ":\n\n"]);
  });
});

describe("a viewer that resumes", () => {
  test("gets what has changed since its last event, and nothing twice", async () => {
    const { clock, begin, view, act } = watchedQueue();
    await begin("a");
    const before = await view("a");
    await before.leave();
    const same = await view("a", { "Last-Event-ID": before.lastId });
    expect(same.chunks).toEqual(["retry: 1000\n\n"]);
    await act({ progress: 1 });
    await clock.advance("5s");
    expect(same.events).toEqual([{ state: "running", progress: 1 }]);
    const changed = await view("a", { "Last-Event-ID": before.lastId });
    expect(changed.events).toEqual([{ state: "running", progress: 1 }]);
  });

  test("after the end gets 204, which stops an EventSource", async () => {
    const { clock, begin, view, watch, act } = watchedQueue();
    await begin("a");
    const before = await view("a");
    await act({ returns: null });
    await clock.advance("2s");
    expect(before.hasEnded).toBe(true);
    expect((await watch("a", { "Last-Event-ID": before.lastId })).status).toBe(204);
    expect((await view("a")).events).toEqual([{ state: "completed", progress: null }]);
  });
});

describe("the viewers of a job", () => {
  test("share one reading, whenever they come", async () => {
    const { clock, begin, view, act, reads } = watchedQueue();
    await begin("a");
    const alone = await view("a");
    const before = reads();
    await clock.advance("2m");
    const forOne = reads() - before;
    await alone.leave();
    const many = [await view("a")];
    for (let count = 1; count < 20; count++) {
      await clock.advance("70ms");
      many.push(await view("a"));
    }
    await act({ progress: 1 });
    const beforeMany = reads();
    await clock.advance("2m");
    expect(reads() - beforeMany).toBeLessThanOrEqual(forOne + 2);
    for (const { events } of many) expect(events.at(-1)).toEqual({ state: "running", progress: 1 });
  });

  test("share a reading that takes long: nobody reads beside it", async () => {
    const { clock, begin, view, act, store, reads } = watchedQueue();
    await begin("a");
    const viewers = [await view("a"), await view("a"), await view("a")];
    store.plan([{ on: "find", fault: { delay: "3s" } }]);
    await act({ progress: 1 });
    const before = reads();
    await clock.advance("3s");
    expect(reads() - before).toBe(1);
    await clock.advance("2s");
    for (const { events } of viewers) expect(events.at(-1)).toEqual({ state: "running", progress: 1 });
  });

  test("read nothing once they have left", async () => {
    const { clock, begin, view, reads } = watchedQueue();
    await begin("a");
    const viewers = [await view("a"), await view("a")];
    await clock.advance("10s");
    for (const viewer of viewers) await viewer.leave();
    const before = reads();
    await clock.advance("1h");
    expect(reads() - before).toBe(0);
  });

  test("do not wait for a reading that was never finished: its request may have been cancelled", async () => {
    const { clock, begin, view, act, store } = watchedQueue();
    await begin("a");
    const viewers = [await view("a"), await view("a")];
    // The first reading takes an hour.
    store.plan([{ on: "find", call: 1, fault: { delay: "1h" } }]);
    await act({ progress: 1 });
    await clock.advance("10s");
    expect(viewers.map(({ events }) => events.length).sort()).toEqual([1, 2]);
  });

  test("stay while the store does not respond, which is reported, and asked for again after 15 s at the earliest", async () => {
    const { clock, begin, view, act, store, errors, reads } = watchedQueue();
    await begin("a");
    const viewers = [await view("a"), await view("a")];
    await act({ progress: 1 });
    store.plan([{ on: "find", fault: "before" }]);
    const before = reads();
    await clock.advance("1m");
    expect(reads() - before).toBeLessThanOrEqual(4);
    expect(errors.length).toBe(reads() - before);
    store.plan();
    await clock.advance("15s");
    for (const { events } of viewers) expect(events.at(-1)).toEqual({ state: "running", progress: 1 });
  });

  test("get 503 with advice beyond the limit, until another one leaves", async () => {
    const { clock, begin, view, watch } = watchedQueue({ handler: { watchLimits: { maxViewers: 8 } } });
    await begin("a");
    const [first] = [await view("a"), await view("a")];
    const refused = await watch("a");
    expect([refused.status, refused.headers.get("retry-after"), refused.headers.get("content-type")]).toEqual([
      503,
      "5",
      "application/problem+json",
    ]);
    expect((await problemOf(refused)).detail).toMatch(
      /^This server shows jobs to as many viewers as it may\. Try again/,
    );
    await first?.leave();
    await clock.advance(0);
    expect((await view("a")).events).toHaveLength(1);
  });

  test("leave room for other jobs and tokens, and for read and admin", async () => {
    const { begin, watch, fetch } = watchedQueue({ handler: { watchLimits: { maxViewers: 20 } } });
    const ids = ["a", "b", "c", "d", "e"];
    for (const id of ids) await begin(id);
    const watchAs = (token: string, id: string) =>
      fetch(new Request(`http://queue.test/jobs/${id}/events`, { headers: { Authorization: `Bearer ${token}` } }));
    /** How many streams open before one is refused. */
    const openUntilRefused = async (open: (count: number) => Response | Promise<Response>) => {
      for (let count = 0; ; count++) if ((await open(count)).status === 503) return count;
    };
    expect(await openUntilRefused((count) => watchAs("the-enqueue-token", ids[count % 5] ?? ""))).toBe(5);
    expect(await openUntilRefused(() => watch("a"))).toBe(4);
    expect(await openUntilRefused(() => watch("b"))).toBe(4);
    expect(await openUntilRefused(() => watch("c"))).toBe(4);
    expect(await openUntilRefused(() => watch("d"))).toBe(1);
    expect((await watchAs("the-read-token", "a")).status).toBe(200);
    expect(await openUntilRefused(() => watchAs("the-admin-token", "a"))).toBe(1);
  });

  test("do not count if their request ended without a word", async () => {
    const { clock, begin, watch } = watchedQueue({ handler: { watchLimits: { maxViewers: 1 } } });
    await begin("a");
    // Nobody reads this response, nor cancels it.
    expect((await watch("a")).status).toBe(200);
    expect((await watch("a")).status).toBe(503);
    await clock.advance("46s");
    expect((await watch("a")).status).toBe(200);
  });

  test("do not count for a HEAD request, after the end of their time, or once their request is aborted", async () => {
    const handler = { watchLimits: { maxViewers: 1, maxDuration: "3s" } } as const;
    const { clock, begin, fetch, queue } = watchedQueue({ handler });
    await begin("a");
    const ask = async (init: RequestInit = {}) => {
      const token = await queue.watchToken("a", { ttl: "24h" });
      return fetch(new Request(`http://queue.test/jobs/a/events?token=${token}`, init));
    };
    for (let count = 0; count < 2; count++) expect((await ask({ method: "HEAD" })).status).toBe(200);
    // Whoever reads it stops after the first event, and says nothing.
    const stalled = (await ask()).body?.getReader();
    await stalled?.read();
    expect((await ask()).status).toBe(503);
    await clock.advance("3s");
    const hangsUp = new AbortController();
    expect((await ask({ signal: hangsUp.signal })).status).toBe(200);
    expect((await ask()).status).toBe(503);
    hangsUp.abort();
    expect((await ask()).status).toBe(200);
  });

  test("do not count if their request is aborted during the first reading", async () => {
    const { clock, begin, fetch, queue, store } = watchedQueue({ handler: { watchLimits: { maxViewers: 1 } } });
    await begin("a");
    const url = `http://queue.test/jobs/a/events?token=${await queue.watchToken("a")}`;
    const hangsUp = new AbortController();
    store.plan([{ on: "find", fault: { delay: "1s" } }]);
    const opening = fetch(new Request(url, { signal: hangsUp.signal }));
    await clock.advance("500ms");
    hangsUp.abort();
    await clock.advance("500ms");
    await opening;
    expect((await fetch(new Request(url))).status).toBe(200);
  });

  test("see a job that was retried as it is now, and not the end that others have seen", async () => {
    const { clock, queue, begin, view, act, importRows } = watchedQueue();
    await begin("a");
    const first = await view("a");
    await act({ throws: "no luck" });
    await clock.advance("2s");
    expect(first.events.at(-1)).toMatchObject({ state: "dead" });
    await queue.retryFromDeadLetter("a");
    expect((await view("a")).events).toEqual([{ state: "ready", progress: null }]);
    await queue.cancel("a");
    await clock.advance("1s");
    await queue.enqueue(importRows, undefined, { id: "a", delay: "1h" });
    expect((await view("a")).events).toMatchObject([{ state: "scheduled" }]);
  });

  test("do not count once they were refused, or the job has ended", async () => {
    const { clock, begin, view, watch, act } = watchedQueue({ handler: { watchLimits: { maxViewers: 1 } } });
    expect([(await watch("nobody")).status, (await watch("nobody")).status]).toEqual([404, 404]);
    await begin("a");
    const only = await view("a");
    await act({ returns: null });
    await clock.advance("5s");
    expect(only.hasEnded).toBe(true);
    expect((await watch("a")).status).toBe(200);
  });
});

describe("a stream ends without an event, so that its viewer resumes,", () => {
  const silently = async (stream: { readonly events: readonly unknown[]; readonly hasEnded: boolean }) =>
    expect([stream.events.length, stream.hasEnded]).toEqual([1, true]);

  test("after five minutes, or the time of watchLimits", async () => {
    for (const [watchLimits, seconds] of [
      [{}, 300],
      [{ maxDuration: "30s" }, 30],
    ] as const) {
      const budget = { roundTrips: 1_000 };
      const { clock, begin, view } = watchedQueue({ handler: { watchLimits, drain: { budget } } });
      await begin("a");
      const viewer = await view("a");
      await clock.advance(`${seconds - 1}s`);
      expect(viewer.hasEnded).toBe(false);
      await clock.advance("1s");
      await silently(viewer);
    }
  });

  test("before the platform ends the invocation", async () => {
    const parts = watchedQueue({ handler: { getDeadline: () => new Date(parts.clock.now + 60_000) } });
    await parts.begin("a");
    const viewer = await parts.view("a");
    await parts.clock.advance("54s");
    expect(viewer.hasEnded).toBe(false);
    await parts.clock.advance("1s");
    await silently(viewer);
  });

  test("when its token expires", async () => {
    const { clock, queue, begin, fetch } = watchedQueue();
    await begin("a");
    const request = new Request(`http://queue.test/jobs/a/events?token=${await queue.watchToken("a", { ttl: "90s" })}`);
    const viewer = readEvents(await fetch(request));
    await clock.advance("89s");
    expect(viewer.hasEnded).toBe(false);
    await clock.advance("1s");
    await silently(viewer);
    expect((await fetch(request)).status).toBe(401);
  });

  test("when it has made as many readings as a drain may make round trips", async () => {
    const { clock, begin, view, reads } = watchedQueue({ handler: { drain: { budget: { roundTrips: 15 } } } });
    await begin("a");
    const before = reads();
    const viewer = await view("a");
    await clock.advance("5m");
    await silently(viewer);
    expect(reads() - before).toBe(15);
  });
});

test("a handler refuses limits that it cannot keep", () => {
  const queue = new Queue({ store: memoryStore() });
  const build = (watchLimits: object) => () => createHandler({ queue, auth: "none", watchLimits });
  expect(build({ maxViewers: 0 })).toThrow("watchLimits.maxViewers must be a whole number from 1");
  expect(build({ maxDuration: "soon" })).toThrow("watchLimits.maxDuration must be a duration");
  expect(build({ viewers: 1 })).toThrow('Unknown option "viewers" in watchLimits.');
});
