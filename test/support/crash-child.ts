// A process that drains until nothing is left, or it is killed. It records what it performs, and under which lease.
import type { ExchangeReply, ExchangeRequest, SettleReply, SettleRequest } from "../../src/core/store/store.ts";
import { defineJob, type JobContext, Queue } from "../../src/index.ts";
import { aroundStore } from "./around-calls.ts";
import { aheadMs, allJobs, die, openedStore, passes, prefix } from "./dying.ts";
import { RespClient } from "./resp.ts";

const hasParents = process.env.HAS_PARENTS === "1";
const clock = () => Date.now() + aheadMs;
const redis = await RespClient.connect(Number(process.env.REDIS_PORT));
const leases = new Map<string, { readonly claimedAt: number; readonly endsAt: number }>();

/** Records an event, or dies: an attempt must not go unrecorded. */
async function note(...words: readonly (string | number)[]): Promise<void> {
  await redis.send(["RPUSH", `log-${prefix}`, words.join(" ")]).catch(die);
}

async function perform({ id, attempt }: JobContext): Promise<void> {
  const { claimedAt = 0, endsAt = 0 } = leases.get(id) ?? {};
  await note("start", id, attempt, claimedAt, endsAt);
  await passes("performing");
  await note("end", id, attempt);
  await passes("performed");
}

/** Enqueues one more job, or one with a child, which is stored with the outcome. */
async function performAndEnqueue(_: undefined, job: JobContext): Promise<void> {
  if (hasParents) job.enqueue(gather, job.id, { children: [{ job: follow, payload: job.id }] });
  else job.enqueue(follow, job.id);
  await perform(job);
}

const follow = defineJob({
  name: "follow",
  maxRetries: 400,
  flowControl: { key: "follow", concurrency: 3 },
  async perform(of: string, job) {
    await note("follows", job.id, of);
    await perform(job);
  },
});

const gather = defineJob({
  name: "gather",
  maxRetries: 400,
  async perform(of: string, job) {
    await note("gathers", job.id, of);
    await perform(job);
  },
});

/** Steps, alone and in parallel, with a sleep and a wait between them. */
const stepped = defineJob({
  name: "stepped",
  maxRetries: 400,
  async perform(_: undefined, job) {
    const step = async (name: string) => {
      await job.step(name, async () => {
        await note("runs", job.id, name);
        await passes("performing");
      });
      await note("stored", job.id, name);
    };
    await step("a");
    await Promise.all([step("b"), step("c")]);
    await job.sleep("1s");
    const got = await job.waitFor<number>(job.id.replace("stepped", "go"), { timeout: "300d" });
    await note("got", job.id, got ?? "nothing");
    await step("d");
  },
});

const store = aroundStore(openedStore, async ({ method, parameters }, run) => {
  if (method !== "exchange" && method !== "settle") return run();
  const { now, settle, fire = [] } = parameters[0] as SettleRequest & Partial<ExchangeRequest>;
  if (settle.length > 0) await passes("settling");
  if (fire.length > 0) await passes("firing");
  const reply = (await run()) as SettleReply & Partial<ExchangeReply>;
  const { jobs = [] } = reply;
  for (const { lease } of jobs) leases.set(lease.id, { claimedAt: now, endsAt: lease.endsAt });
  if (settle.length > 0) await passes("settled");
  if (fire.length > 0) await passes("fired");
  if (jobs.length > 0) await passes("claimed");
  return reply;
});

const queue = new Queue({
  store,
  clock,
  jobs: [
    defineJob({ name: "note", maxRetries: 400, perform: performAndEnqueue }),
    defineJob({
      name: "tick",
      maxRetries: 400,
      schedule: { cron: "0 * * * * *", missed: "all" },
      perform: performAndEnqueue,
    }),
    follow,
    gather,
    stepped,
  ],
});

process.stdout.write("ready\n");
await queue.drain(allJobs);
redis.close();
