import { withHidden } from "../../src/core/job/hidden.ts";
import { encodeRecord } from "../../src/core/job/record.ts";
import { withSender } from "../../src/core/job/sender.ts";
import type { Store } from "../../src/core/store/store.ts";
import { defineJob, PermanentError, Queue, type QueueOptions, TidegateError } from "../../src/index.ts";
import { keysOf, type QueueKeys } from "../../src/stores/redis/keys.ts";
import { aroundStore } from "./around-calls.ts";
import { type ClockByHand, clockByHand, start } from "./clock.ts";
import { readStored, type StoredQueue } from "./invariants.ts";
import type { RespClient } from "./resp.ts";
import type { Stage } from "./stage.ts";

/** A queue as a version of Tidegate stored it, with one of everything, and what that version read from it. */
export interface Fixture {
  /** When it was read, in ms. */
  readonly at: number;
  /** The commands that store it, with a `*` in place of the prefix. */
  readonly commands: readonly (readonly string[])[];
  readonly seen: object;
}

type Command = readonly string[];

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** The version of the records that this code writes. */
export const recordVersion = encodeRecord({ name: "any", enqueuedAt: 0 }).split(":")[0] ?? "";

/** Everything that can be read from a queue. */
export async function seenIn(queue: Queue): Promise<object> {
  const { jobs } = await queue.listJobs({ limit: 1_000 });
  const seen = {
    jobs: [...jobs].sort((a, b) => (a.id < b.id ? -1 : 1)),
    schedules: await queue.schedules.list(),
    activity: await queue.getActivity(),
  };
  return JSON.parse(JSON.stringify(seen));
}

/** A queue to store a fixture, or to load one, with jobs that all succeed by default. */
export function fixtureQueue(store: Store, clock: () => number, options: Partial<QueueOptions> = {}): Queue {
  const jobs = ["work", "beat"].map((name) => defineJob({ name, perform: () => "by this version" }));
  return new Queue({ store, jobs, clock, random: () => 0.5, retention: "1000d", ...options });
}

/** Fills a queue with one of everything, and records what is then in Redis. */
export async function makeFixture(stage: Stage): Promise<Fixture> {
  const prefix = stage.prefix();
  const clock = clockByHand(start);
  await fill(stage.store(prefix), clock);
  const commands = await commandsOf(stage.redis, prefix);
  return { at: clock.now, commands, seen: await seenIn(fixtureQueue(stage.store(prefix), clock)) };
}

function failing(error: Error): Error {
  error.stack = `${error.name}: ${error.message}\n    at perform (jobs.ts:1:1)`;
  return error;
}

async function fill(inner: Store, clock: ClockByHand): Promise<void> {
  let isDead = false;
  const store = aroundStore(inner, async (_, run) => {
    if (isDead) throw new TidegateError("store_unavailable", "The invocation was killed.");
    return run();
  });
  const work = defineJob({
    name: "work",
    async perform(behaviour: unknown, job) {
      if (behaviour === "fail") job.log("about to fail", { attempt: job.attempt });
      if (behaviour === "fail") throw failing(new Error("no luck"));
      if (behaviour === "die") throw failing(new PermanentError("no hope"));
      if (behaviour === "snooze") return job.snooze("1h");
      if (behaviour === "wait") await job.waitFor(["answer", "question"], { timeout: "1d" });
      if (behaviour === "be woken") await job.waitFor("reply", { timeout: "1d" });
      if (behaviour === "step") {
        await job.step("good", () => ({ row: 1 }));
        await job.step("bad", () => Promise.reject(failing(new Error("no luck"))));
      }
      if (behaviour === "be killed") {
        await job.progress({ page: 3 });
        isDead = true;
      }
      return { sent: true };
    },
  });
  const beat = defineJob({ name: "beat", schedule: { cron: "0 1 12 * * *" }, perform: (_, job) => job.snooze("2h") });
  let ids = 0;
  const queue = fixtureQueue(store, clock, {
    jobs: [work, beat],
    newId: () => `made-${ids++}`,
    tracing: { enqueue: (_, enqueue) => enqueue({ traceparent }), attempt: (_, make) => make() },
  });
  const enqueue = (id: string, payload: unknown, options = {}) => queue.enqueue("work", payload, { id, ...options });
  for (const behaviour of ["succeed", "fail", "die", "snooze", "wait", "be woken", "step"])
    await enqueue(behaviour, behaviour);
  await enqueue("revived", "die");
  await queue.schedules.upsert("made", { job: "work", cron: "0 0 9 * * *", timeZone: "Europe/Paris", missed: "all" });
  await queue.schedules.upsert("interval", { job: "work", every: "7h" });
  await queue.drain();
  clock.now += 60_000;
  await queue.drain();
  const own = { maxRetries: 7, backoff: { type: "fixed", base: "5s" }, timeout: "10s", expires: "3d" };
  const sender = { name: "acme", checkFlowKey: () => {} };
  const hiding = withSender(withHidden(own, { token: "secret" }), sender);
  await enqueue("later", { text: "ä😀\u2028", list: [], large: 2 ** 60, nothing: null }, { delay: "1d", ...hiding });
  await queue.enqueue("work", "first", { dedupe: { key: "once", ttl: "1000d" } });
  await queue.enqueueMany([{ job: "work" }, { job: "work", payload: "second" }]);
  await queue.retryFromDeadLetter("revived");
  await queue.enqueue("work", "after its child", { id: "family", children: [{ job: "work", payload: "child" }] });
  await queue.drain();
  await enqueue("be killed", "be killed", { runAt: start });
  await queue.signal("reply", { text: "yes" }, { id: "msg-1", keep: "1000d" });
  await queue.signal("early", { text: "kept" }, { id: "msg-2", keep: "1000d" });
  await queue.drain({ maxJobs: 1 }).catch(() => {});
}

/** Commands that restore a queue's keys. */
async function commandsOf(redis: RespClient, prefix: string): Promise<readonly Command[]> {
  const keys = keysOf(prefix, "default");
  const shown = keysOf("*", "default");
  const stored = await readStored(redis, prefix);
  const windows = await redis.send(["HGETALL", keys.dedupe]);
  const signals = await redis.send(["HGETALL", keys.signals]);
  const manifest = await redis.send(["GET", keys.manifest]);
  return [
    ...storing(stored, shown),
    ["HSET", shown.dedupe, ...(windows as string[])],
    ["HSET", shown.signals, ...(signals as string[])],
    ["SET", shown.manifest, String(manifest)],
    ["BITFIELD", shown.stats, ...(await counters(redis, keys.stats))],
  ];
}

function storing({ due, jobs, dead, deadJobs, done, schedules }: StoredQueue, keys: QueueKeys): readonly Command[] {
  const inOrder = <Value>(map: ReadonlyMap<string, Value>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const scores = (map: ReadonlyMap<string, number>) =>
    inOrder(map).flatMap(([member, score]) => [String(score), member]);
  const fields = (map: ReadonlyMap<string, string>) => inOrder(map).flat();
  return [
    ["ZADD", keys.due, ...scores(due)],
    ["HSET", keys.jobs, ...fields(jobs)],
    ["ZADD", keys.dead, ...scores(dead)],
    ["HSET", keys["dead:jobs"], ...fields(deadJobs)],
    ["HSET", keys.done, ...fields(done)],
    ["HSET", keys.schedules, ...fields(schedules)],
  ];
}

/** All counters of the string that are not 0. In 32 bits, since JavaScript rounds larger numbers. */
async function counters(redis: RespClient, key: string): Promise<readonly string[]> {
  const length = ((await redis.send(["STRLEN", key])) as number) / 4;
  const places = Array.from({ length }, (_, place) => `#${place}`);
  const values = (await redis.send(["BITFIELD", key, ...places.flatMap((place) => ["GET", "u32", place])])) as number[];
  return places.flatMap((place, index) => (values[index] === 0 ? [] : ["SET", "u32", place, String(values[index])]));
}

/** Stores a fixture under a prefix. */
export async function loadFixture(redis: RespClient, { commands }: Fixture, prefix: string): Promise<void> {
  for (const [name = "", key = "", ...rest] of commands) await redis.send([name, key.replace("*", prefix), ...rest]);
}
