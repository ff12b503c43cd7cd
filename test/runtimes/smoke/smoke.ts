import { defineJob, memoryStore, PermanentError, Queue } from "tidegate";
import { QueueClient } from "tidegate/client";
import { createHandler } from "tidegate/http";
import { drainAll, testClock } from "tidegate/testing";
import { createRoute } from "tidegate/vercel";

const greet = defineJob({ name: "greet", perform: ({ to }: { to: string }) => ({ greeting: `Hello ${to}` }) });

const flaky = defineJob({
  name: "flaky",
  backoff: { base: "1m" },
  perform(_: undefined, job) {
    if (job.attempt < 3) throw new Error("not yet");
    return job.attempt;
  },
});

const hopeless = defineJob({
  name: "hopeless",
  perform(_: undefined) {
    throw new PermanentError("never");
  },
});

const slow = defineJob({
  name: "slow",
  timeout: "10s",
  maxRetries: 0,
  perform: (_: undefined, job) => clock.sleep(60_000, job.signal),
});

const clock = testClock("2026-03-28T12:00:00Z");
const jobs = [greet, flaky, hopeless, slow];

function newQueue(): Queue {
  return new Queue({ store: memoryStore(), jobs, clock });
}

function expectEqual(actual: unknown, expected: unknown): void {
  const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (seen !== wanted) throw new Error(`${seen} is not ${wanted}`);
}

/** What must hold on every runtime. */
const checks: Readonly<Record<string, () => Promise<void>>> = {
  async "a job is enqueued, drained and done"() {
    const queue = newQueue();
    const { id, status } = await queue.enqueue(greet, { to: "Ada" });
    const { completed, stoppedBy } = await queue.drain();
    const job = await queue.getJob(id);
    expectEqual([status, completed, stoppedBy], ["enqueued", 1, "empty"]);
    expectEqual([job?.state, job?.result], ["completed", { greeting: "Hello Ada" }]);
  },

  async "a job that fails is retried with backoff, on a clock moved by hand"() {
    const queue = newQueue();
    const start = clock.now;
    const { id } = await queue.enqueue(flaky);
    const { retried, completed } = await drainAll(queue, { clock });
    expectEqual([retried, completed, clock.now - start], [2, 1, 180_000]);
    expectEqual((await queue.getJob(id))?.result, 3);
  },

  async "a dead job lies in the dead letter, and lives again"() {
    const queue = newQueue();
    const { id } = await queue.enqueue(hopeless);
    await queue.drain();
    const { jobs } = await queue.listDeadLetter();
    expectEqual([jobs.length, jobs[0]?.id, jobs[0]?.error.message], [1, id, "never"]);
    await queue.retryFromDeadLetter(id);
    expectEqual((await queue.getStats()).readyCount, 1);
  },

  async "a job that outlives its timeout is aborted"() {
    const queue = newQueue();
    await queue.enqueue(slow);
    const [report] = await Promise.all([queue.drain(), clock.advance("11s")]);
    expectEqual(report.deadLettered, 1);
  },

  async "cron knows Paris and its clock changes"() {
    await clock.set("2026-03-28T12:00:00Z");
    const schedules = newQueue().schedules;
    await schedules.upsert("morning", {
      job: greet,
      payload: { to: "Ada" },
      cron: "0 30 2 * * *",
      timeZone: "Europe/Paris",
    });
    const slots = await schedules.preview("morning", 3);
    const expected = ["2026-03-29T01:30:00.000Z", "2026-03-30T00:30:00.000Z", "2026-03-31T00:30:00.000Z"];
    expectEqual(
      slots.map((slot) => slot.toISOString()),
      expected,
    );
  },

  async "a handler answers fetch, and lets nobody in without a token"() {
    const handler = createHandler({ queue: newQueue(), auth: { admin: ["a-long-secret"] } });
    const post = (token: string) =>
      handler.fetch(
        new Request("https://queue.test/jobs", {
          method: "POST",
          headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
          body: JSON.stringify({ name: "greet", payload: { to: "Ada" } }),
        }),
      );
    expectEqual([(await post("a-long-secret")).status, (await post("guess")).status], [201, 401]);
  },

  async "a route file answers below its path, with a body to read"() {
    const { POST } = createRoute({ queue: newQueue(), auth: "none", basePath: "/api/queue" });
    const init = { method: "POST", headers: { "Content-Type": "application/json" } };
    const body = JSON.stringify({ name: "greet", payload: { to: "Ada" } });
    const response = await POST(new Request("https://app.test/api/queue/jobs", { ...init, body }));
    expectEqual(response.status, 201);
  },

  async "a client speaks to a handler, and gets its errors"() {
    const handler = createHandler({ queue: newQueue(), auth: { admin: ["a-long-secret"] } });
    const fetch = (request: Request) => handler.fetch(request);
    const client = new QueueClient({ url: "https://queue.test", token: "a-long-secret", fetch });
    const { id } = await client.enqueue(greet, { to: "Ada" });
    expectEqual((await client.drain()).completed, 1);
    expectEqual((await client.getJob(id))?.result, { greeting: "Hello Ada" });
    const error = await client.cancel("nobody").catch(({ code }: { code: string }) => code);
    expectEqual(error, "not_found");
  },
};

/** Runs all checks, and returns the result of each. */
export async function smoke(): Promise<string[]> {
  const results: string[] = [];
  for (const [name, check] of Object.entries(checks)) {
    const problem = await check().catch((error: unknown) => String(error));
    results.push(`${name}: ${problem ?? "ok"}`);
  }
  return results;
}
