import { partitioned, type Queue } from "../../src/index.ts";
import { type RedisServer, startRedis } from "../../test/support/redis-server.ts";
import { RespClient } from "../../test/support/resp.ts";
import { figureOf } from "../figures.ts";
import { type Bench, count } from "../part.ts";
import { emptyJobs, overTcp, tidegateQueue, unbounded } from "../systems/tidegate.ts";
import { sum } from "../task.ts";

const JOBS = 50_000;
const BATCH = 1_000;
const PARTITIONS = 8;
/** The numbers of databases to compare. */
export const DATABASES = [1, 2, 4];
export const ENQUEUED = "enqueued in batches of 1,000";
export const DRAINED = "drained in batches of 1,000";

/** One queue on several databases: what a job takes of all of them together, and how evenly they share the work. */
export async function databases(bench: Bench): Promise<void> {
  for (const databases of DATABASES) {
    const cpu = { enqueued: [] as number[], drained: [] as number[], busiest: [] as number[] };
    // The first run warms up the compiler, and is not counted.
    for (let run = 0; run <= bench.effort.longRuns; run++) {
      bench.progress(`${nameOf(databases)}, run ${run} of ${bench.effort.longRuns}`);
      const measured = await measure(databases, bench.effort.of(JOBS));
      if (run === 0) continue;
      cpu.enqueued.push(measured.enqueued);
      cpu.drained.push(measured.drained);
      cpu.busiest.push(measured.busiest);
    }
    const add = (what: string, unit: string, values: readonly number[]) =>
      bench.add({ what: `${nameOf(databases)}, ${what}`, unit, figures: { "tidegate-tcp": figureOf(values) } });
    add(ENQUEUED, "CPU of Redis, us a job", cpu.enqueued);
    add(DRAINED, "CPU of Redis, us a job", cpu.drained);
    if (databases > 1) add("the busiest database", "% of the CPU of all", cpu.busiest);
  }
}

export const nameOf = (databases: number) => `${databases} ${databases === 1 ? "database" : "databases"}`;

async function measure(databases: number, jobs: number) {
  const servers = await Promise.all(Array.from({ length: databases }, () => startRedis()));
  const open = servers.map(({ port }) => overTcp({ redisPort: port, rest: { url: "", token: "" } }));
  const stores = open.map(({ store }) => store);
  try {
    const queue = tidegateQueue(partitioned(stores, PARTITIONS));
    const beginning = await cpuMs(servers);
    await enqueue(queue, jobs);
    const enqueued = await cpuMs(servers);
    const { completed } = await queue.drain({ ...unbounded, maxJobs: jobs, batchSize: BATCH, concurrency: 100 });
    if (completed !== jobs) throw new Error(`${count(jobs)} jobs were waiting, and ${count(completed)} were done.`);
    const drained = await cpuMs(servers);
    const each = drained.map((ms, index) => ms - (beginning[index] ?? 0));
    return {
      enqueued: ((sum(enqueued) - sum(beginning)) / jobs) * 1_000,
      drained: ((sum(drained) - sum(enqueued)) / jobs) * 1_000,
      busiest: (100 * Math.max(...each)) / sum(each),
    };
  } finally {
    await Promise.all(open.map(({ close }) => close()));
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function enqueue(queue: Queue, jobs: number): Promise<void> {
  for (let stored = 0; stored < jobs; stored += BATCH) await queue.enqueueMany(emptyJobs(BATCH));
}

async function cpuMs(servers: readonly RedisServer[]): Promise<readonly number[]> {
  return Promise.all(
    servers.map(async ({ port }) => {
      const client = await RespClient.connect(port);
      const text = String(await client.send(["INFO", "cpu"]));
      client.close();
      const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(text)?.[1]);
      return (seconds("used_cpu_user") + seconds("used_cpu_sys")) * 1_000;
    }),
  );
}
