// Writes each figure that stands on several pages from the one place that made it: `8<!-- = eager -->` is the figure
// `eager` of the table below. What Tidegate costs is in the table of docs/guide/costs.md, which test/costs holds.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  durableObjects,
  inngest,
  services,
  triggerDev,
  UPSTASH_FREE_COMMANDS,
  upstashFixed,
  upstashRedis,
} from "../../bench/prices.ts";
import { measured, type Row } from "../../bench/results.ts";
import { markdownFiles, type Writing } from "../shared/files.ts";
import { sizes } from "../shared/sizes.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const place = /[^\s|([*]+(?=<!-- = ([\w.-]+) -->)/g;

const MINUTES_A_MONTH = 30 * 24 * 60;
const MILLION = 1_000_000;
/** An exchange plans this many occurrences of a schedule that fires each minute, for so many commands. */
const PLANNED = { occurrences: 60, commands: 8 };

/** What counts the commands of a way to use a queue: the table of Costs, or a benchmark. */
interface Sources {
  /** The figure of a row of the table. */
  readonly counted: (row: string) => number;
  /** A median of the benchmarks. */
  readonly median: (part: string, row: string, unit: string, column?: string) => number;
}

/** Every figure by its name. */
function table({ counted, median }: Sources): Readonly<Record<string, string>> {
  const enqueue = counted("enqueue one job");
  const eager = counted("one job, enqueued over HTTP and run right after the response");
  const found = counted(
    "one job, enqueued by your own code and then found by a tick, a wake-up or a drain in your route",
  );
  const enqueueBatch = counted("enqueue 100 jobs together, or in 100 calls made in the same turn of the event loop");
  const batch = counted("drain a backlog in batches of 100");
  const batchAlone = counted("drain a lone batch of 100 jobs, ten at a time");
  const occurrence = counted("a schedule's occurrence, found by a tick and run");
  const idle = counted("a tick that finds nothing, or finds the queue paused");
  const scrape = counted("a scrape of metrics");
  const keyed = counted("one job with a flow control key, enqueued and then found by a tick or a wake-up");
  const step = counted("a step");
  const stepBulk = counted("a step, if 100 jobs store theirs together");
  const sleep = counted("a sleep");
  const wait = counted("a wait");
  const signal = counted("a signal that wakes one job, or many");
  const kept = counted("a signal that is kept");
  const bullmq = (row: string) => median("commands", row, "commands", "bullmq");
  const bulk = (enqueueBatch + batch) / 100;
  const lone = bullmq("a lone job, enqueue to done");
  const fromBacklog = Math.round(bullmq("enqueue 100 at once, per job") + bullmq("drain a backlog, per job"));
  const idleMinute = bullmq("an idle minute");
  const cpu = (row: string) => median("workerd", row, "ms of CPU", "the script's thread");
  const warm = cpu("a drain of 30 in a warm isolate");

  const onUpstash = (commands: number) => (commands / MILLION) * upstashRedis.dollarsPerMillion;
  const everyMinute = (commands: number) =>
    commands * MINUTES_A_MONTH + (MINUTES_A_MONTH / PLANNED.occurrences) * PLANNED.commands;
  const qstash = priceOf("QStash");
  const cloudflare = priceOf("Cloudflare Queues");

  /** What some jobs a month cost, with a cron tick or a waiting worker in each minute. */
  const workload = (name: string, jobs: number, tidegate: number, bull: number) => {
    const commands = jobs * tidegate + MINUTES_A_MONTH * idle;
    const bullCommands = jobs * bull + MINUTES_A_MONTH * idleMinute;
    // The plan that a million jobs need includes a million operations.
    const operations = jobs * cloudflare.unitsPerJob - (jobs < MILLION ? 0 : MILLION);
    return {
      [`${name}-commands`]: whole(commands),
      [`${name}-tidegate`]: dollars(onUpstash(commands)),
      [`${name}-qstash`]: dollars((jobs / MILLION) * qstash.dollarsPerMillion),
      [`${name}-cloudflare`]: dollars((operations / MILLION) * cloudflare.dollarsPerMillion),
      [`${name}-trigger`]: dollars((jobs / MILLION) * triggerDev.dollarsPerMillion),
      [`${name}-bullmq`]: dollars(onUpstash(bullCommands)),
    };
  };

  return {
    enqueue: whole(enqueue),
    found: whole(found),
    "enqueue-batch": whole(enqueueBatch),
    batch: whole(batch),
    bulk: String(bulk),
    "batch-alone": String((enqueueBatch + batchAlone) / 100),
    keyed: whole(keyed),
    step: whole(step),
    "two-steps": whole(2 * step),
    order: whole(keyed + 2 * step),
    "million-orders": dollars(onUpstash((keyed + 2 * step) * MILLION)),
    "million-steps": dollars(onUpstash(step * MILLION)),
    "million-steps-bulk": dollars(onUpstash(stepBulk * MILLION)),
    "million-sleeps": dollars(onUpstash(sleep * MILLION)),
    "million-waits": dollars(onUpstash(wait * MILLION)),
    "million-signals": dollars(onUpstash(signal * MILLION)),
    "million-kept": dollars(onUpstash(kept * MILLION)),
    "million-found": dollars(onUpstash(found * MILLION)),
    "million-found-commands": whole(found * MILLION),
    "free-jobs": roughly(UPSTASH_FREE_COMMANDS / found),
    "fixed-jobs": roughly((upstashFixed.dollarsAMonth / upstashRedis.dollarsPerMillion / found) * MILLION),
    "idle-month": whole(MINUTES_A_MONTH * idle),
    "net-month": whole((MINUTES_A_MONTH / 60) * idle),
    // A call of `wake` and the alarm that it sets.
    "million-wake-object": dollars(
      2 * durableObjects.dollarsPerMillionRequests + durableObjects.dollarsPerMillionRowsWritten,
    ),
    "million-wake-seconds": dollars(durableObjects.dollarsPerMillionGBSeconds * durableObjects.gigabytes),
    occurrence: whole(occurrence),
    "occurrence-month": whole(everyMinute(occurrence)),
    // Every second tick finds nothing.
    "occurrence-month-two": whole((everyMinute(occurrence) + MINUTES_A_MONTH * idle) / 2),
    scrape: whole(scrape),
    "scrape-month": whole(MINUTES_A_MONTH * scrape),
    "qstash-commands": whole(qstash.dollarsPerMillion / upstashRedis.dollarsPerMillion),
    "bullmq-idle": whole(idleMinute),
    "free-plan": whole(UPSTASH_FREE_COMMANDS),
    "fixed-price": dollars(upstashFixed.dollarsAMonth),
    "fixed-megabytes": whole(upstashFixed.megabytes),
    "upstash-date": upstashRedis.asOf,
    "qstash-date": qstash.asOf,
    "cloudflare-date": cloudflare.asOf,
    "inngest-date": inngest.asOf,
    "trigger-date": triggerDev.asOf,
    "upstash-price": dollars(upstashRedis.dollarsPerMillion / 10),
    "qstash-price": dollars(qstash.dollarsPerMillion / 10),
    "cloudflare-price": dollars(cloudflare.dollarsPerMillion),
    "trigger-price": dollars(triggerDev.dollarsPerMillion / 100),
    "inngest-price": dollars(inngest.dollarsAMonth),
    "inngest-free": whole(inngest.free),
    "million-ticks-commands": whole((enqueue + batchAlone / 100) * MILLION),
    "million-ticks": dollars(onUpstash((enqueue + batchAlone / 100) * MILLION)),
    "million-qstash": dollars(qstash.dollarsPerMillion),
    "waiting-job": (median("memory", "a waiting job, payload of 1 KB", "bytes of Redis") / 1_000).toFixed(1),
    "cpu-job": whole(((cpu("a drain of 100 in a warm isolate") - warm) / 70) * 1_000),
    "drain-30": whole(warm),
    "drain-30-cold": whole(cpu("first request of a new isolate: a drain of 30")),
    "kb-worker": String(sizes.worker),
    "kb-names": String(sizes.names),
    "kb-producer": String(sizes.producer),
    "kb-client": sizes.client.toFixed(1),
    "kb-dashboard": String(sizes.dashboard),
    "kb-qstash": String(sizes.qstash),
    "kb-wake": String(sizes.wakeObject),
    ...workload("small", 10_000, eager, lone),
    ...workload("single", MILLION, eager, lone),
    ...workload("batches", 10 * MILLION, bulk, fromBacklog),
  };
}

/** Each figure that a page can name. @throws {Error} if a source has none; the message names it */
export async function knownFigures(): Promise<Readonly<Record<string, string>>> {
  const read = (file: string) => readFile(join(repository, file), "utf8");
  const [costs, results] = await Promise.all([read("docs/guide/costs.md"), read("bench/results.json")]);
  const rows: readonly Row[] = JSON.parse(results).rows;
  return table({
    counted: (row) => countedIn(costs, row),
    median: (...row) => measured(rows, ...row).median,
  });
}

/**
 * Writes the figures into README.md and everything in docs/.
 *
 * @returns the pages that were rewritten, or would be.
 * @throws {Error} if a page names a figure that does not exist; the message names both.
 */
export async function figures({ check, root = repository }: Writing): Promise<string[]> {
  const known = await knownFigures();
  const differing: string[] = [];
  for (const page of markdownFiles(root)) {
    const before = await readFile(join(root, page), "utf8");
    const after = before.replace(place, (_, name: string) => {
      const figure = known[name];
      if (figure === undefined)
        throw new Error(`${page} names the figure "${name}", which scripts/docs/figures.ts lacks.`);
      return figure;
    });
    if (after === before) continue;
    differing.push(page);
    if (!check) await writeFile(join(root, page), after);
  }
  return differing;
}

/** The first number of a row. */
function countedIn(page: string, row: string): number {
  const line = page.split("\n").find((each) => each.startsWith(`| ${row} |`));
  const figure = Number.parseFloat(line?.split("|")[2] ?? "");
  if (Number.isNaN(figure)) throw new Error(`docs/guide/costs.md has no row "${row}".`);
  return figure;
}

function priceOf(service: string) {
  const found = services.find((each) => each.service.startsWith(service));
  if (!found) throw new Error(`bench/prices.ts has no price of ${service}.`);
  return found;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** With two digits that count: "33,000". */
function roughly(value: number): string {
  return whole(Number(value.toPrecision(2)));
}

function dollars(value: number): string {
  const digits = Number.isInteger(value) ? 0 : 2;
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}
