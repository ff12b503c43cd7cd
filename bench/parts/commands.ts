import { exact, type Figure } from "../figures.ts";
import { type Bench, type Contestant, contestants, forEach } from "../part.ts";
import type { Bill, Counting } from "./commands/bill.ts";
import { countBeeQueue, countBullmq } from "./commands/peers.ts";
import { countTidegate } from "./commands/tidegate.ts";

/** Enough jobs that the traffic of reading Redis's statistics does not matter. */
const TRAFFIC_JOBS = 10_000;
/** Workers have maintenance tasks that run twice a minute. */
const IDLE_MS = 60_000;

const counters: Readonly<Record<Contestant, (counting: Counting) => Promise<Bill>>> = {
  tidegate: (counting) => countTidegate(counting, "http"),
  "tidegate-tcp": (counting) => countTidegate(counting, "tcp"),
  bullmq: countBullmq,
  "bee-queue": countBeeQueue,
};

const rows: readonly (readonly [name: keyof Bill, what: string, remark?: string])[] = [
  ["enqueueOne", "enqueue one job"],
  ["enqueueMany", "enqueue 100 at once, per job"],
  ["enqueueThousand", "enqueue 1,000 at once, per job"],
  ["drain", "drain a backlog, per job", "Tidegate in batches of 100; the others with their default concurrency, 1"],
  ["lone", "a lone job, enqueue to done", "Tidegate eager; the others by a worker that waits for it"],
  ["fails", "a job that fails three times and dies"],
  ["idle", "an idle minute", "Tidegate: one tick, over TCP a worker that looks each 10 s; the others: one worker"],
];

/** Billed commands, and the traffic, which is billed too above a limit. */
export async function commands(bench: Bench): Promise<void> {
  const { stage, effort } = bench;
  const bills = await forEach(contestants, async (system) => {
    bench.progress(system);
    await stage.clear();
    return counters[system]({ connections: stage.connections, idleMs: effort.of(IDLE_MS) });
  });
  for (const [name, what, remark] of rows) {
    const figures = [...bills].map(([system, bill]) => [system, exact(bill[name])] as const);
    bench.add({ what, unit: "commands", figures: Object.fromEntries(figures), ...(remark && { remark }) });
  }
  const traffics = await forEach(contestants, (system) => traffic(bench, system));
  const what = "enqueued and drained in batches of 100, to and from Redis";
  bench.add({ what, unit: "bytes a job", figures: Object.fromEntries(traffics) });
}

async function traffic({ stage, effort, progress }: Bench, system: Contestant): Promise<Figure> {
  progress(`traffic, ${system}`);
  await stage.clear();
  let bytes = 0;
  const jobs = effort.of(TRAFFIC_JOBS);
  for (const action of ["enqueue", "drain"] as const) {
    await stage.run({ system, action, jobs });
    // A run resets the counters of Redis when it begins.
    bytes += await stage.trafficBytes();
  }
  return exact(bytes / jobs);
}
