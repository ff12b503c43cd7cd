import type { Bench } from "../part.ts";
import { best, perSecond, type Run, type Stage } from "../stage.ts";
import type { Task } from "../task.ts";

const SMALL = 1_000;
const LARGE = 100_000;
const MILLION = 1_000_000;
const BATCH_SIZES = [100, 1_000];

/** Enqueue and drain speed with empty handlers, at several lengths of the backlog, by one process each. */
export async function speed(bench: Bench): Promise<void> {
  await warmUp(bench);
  await enqueueing(bench);
  for (const waiting of [SMALL, LARGE]) await draining(bench, waiting);
  if (bench.isMillion) await million(bench);
}

/** Lets the compiler see each kind of work before any is measured. */
export async function warmUp({ stage, progress }: Bench): Promise<void> {
  progress("warming up");
  for (const system of ["tidegate", "bullmq"] as const) {
    await stage.clear();
    await stage.run({ system, action: "enqueue", jobs: 10_000, batchSize: 1_000 });
    await stage.run({ system, action: "drain", jobs: 10_000, batchSize: 100 });
  }
}

async function enqueueing({ stage, progress, add }: Bench): Promise<void> {
  for (const batchSize of [1, ...BATCH_SIZES]) {
    const measure = (system: Task["system"]) => {
      progress(`enqueue, ${system}, batches of ${batchSize}`);
      return best(3, async () => {
        await stage.clear();
        return stage.run({ system, action: "enqueue", jobs: batchSize === 1 ? 2_000 : 20_000, batchSize });
      });
    };
    const [ours, theirs] = [await measure("tidegate"), await measure("bullmq")];
    const name = batchSize === 1 ? "enqueue one at a time" : `enqueue, batches of ${batchSize.toLocaleString("en-US")}`;
    speeds(add, name, ours, theirs);
    const redisCpu = ({ cpu, jobs }: Run) => (cpu.redis / jobs) * 1_000;
    add({ what: name, unit: "CPU of Redis, us a job", tidegate: redisCpu(ours), bullmq: redisCpu(theirs) });
  }
}

async function draining({ stage, progress, add }: Bench, waiting: number): Promise<void> {
  const times = waiting === SMALL ? 10 : 2;
  const size = waiting.toLocaleString("en-US");
  for (const concurrency of [10, 100]) {
    progress(`drain ${size}, BullMQ, concurrency ${concurrency}`);
    const theirs = await best(times, () => drained(stage, { system: "bullmq", jobs: waiting, concurrency }));
    for (const batchSize of BATCH_SIZES) {
      progress(`drain ${size}, Tidegate, concurrency ${concurrency}, batches of ${batchSize}`);
      const ours = await best(times, () =>
        drained(stage, { system: "tidegate", jobs: waiting, concurrency, batchSize }),
      );
      const name = `${size} waiting, batch ${batchSize.toLocaleString("en-US")}, concurrency ${concurrency}`;
      speeds(add, `drain ${name}`, ours, theirs);
      if (concurrency === 10) costs(add, name, ours, theirs);
    }
  }
}

/** Fills the queue, and measures how it is emptied. */
async function drained(stage: Stage, task: Omit<Task, "action">): Promise<Run> {
  await stage.clear();
  await stage.run({ ...task, action: "enqueue", batchSize: 1_000, concurrency: 1 });
  return stage.run({ ...task, action: "drain" });
}

/** Only ours: BullMQ would take minutes. The same million is drained in part by each batch size. */
async function million({ stage, progress, add }: Bench): Promise<void> {
  progress("enqueue 1,000,000");
  await stage.clear();
  const filled = await stage.run({ system: "tidegate", action: "enqueue", jobs: MILLION, batchSize: 1_000 });
  speeds(add, "enqueue 1,000,000, batches of 1,000", filled);
  for (const batchSize of BATCH_SIZES) {
    progress(`drain from 1,000,000, batches of ${batchSize}`);
    const jobs = batchSize === 100 ? 100_000 : MILLION - 100_000;
    const run = await stage.run({ system: "tidegate", action: "drain", jobs, batchSize });
    const name = `1,000,000 waiting, batch ${batchSize.toLocaleString("en-US")}, concurrency 10`;
    speeds(add, `drain ${name}`, run);
    costs(add, name, run);
  }
}

function speeds(add: Bench["add"], what: string, ours: Run, theirs?: Run): void {
  add({
    what,
    unit: "jobs a second",
    tidegate: perSecond(ours),
    ...(theirs && {
      bullmq: perSecond(theirs),
      remark: `${(perSecond(ours) / perSecond(theirs)).toFixed(1)} x BullMQ`,
    }),
  });
}

function costs(add: Bench["add"], what: string, ours: Run, theirs?: Run): void {
  const row = (unit: string, of: (run: Run) => number) =>
    add({ what, unit, tidegate: of(ours), ...(theirs && { bullmq: of(theirs) }) });
  row("commands a job", ({ commands, jobs }) => commands / jobs);
  add({ what, unit: "ms a round trip", tidegate: ours.ms / ours.requests });
  row("CPU of the draining process, us a job", ({ cpu, jobs }) => (cpu.workers / jobs) * 1_000);
  row("CPU of Redis, us a job", ({ cpu, jobs }) => (cpu.redis / jobs) * 1_000);
}
