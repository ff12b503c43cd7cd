import { figureText, numberText } from "../figures.ts";
import { upstashRedis } from "../prices.ts";
import { measured, type Results, type Row, rowsOf } from "../results.ts";
import { cpuSection, keySection } from "./scaling-limits.ts";
import { highRateText } from "./scaling-queues.ts";

const BATCHES = ["100", "1,000"] as const;
type Batch = (typeof BATCHES)[number];
const CONCURRENCY = { "100": 10, "1,000": 100 } as const;
const DRAINS = [1, 2, 4, 8];
const WAY_MS = 20;

/** How far Tidegate scales, with the figures of a whole run. Derived figures are computed here, not written down. */
export function scalingPage(results: Results): string {
  const { rows } = results;
  return `# Scaling, measured

<!-- Written by \`npm run bench -- --write\` and \`npm run docs -- benchmarks\`. Change bench/pages, not this file. -->

These are the measurements behind [Scaling](../guide/scaling.md): how far one queue goes, what more drains add, and what 10,000
jobs a second need and cost. Figures marked *measured* come from the
[benchmarks](./benchmarks.md); the command beside each repeats it. Figures marked *computed* follow from those.
Nothing here was measured on Upstash itself.

In short: one drain runs tens of thousands of empty jobs a second, and is limited by the distance to Redis, which larger batches hide. More
drains help until Redis, which runs scripts on one core, is busy: then only more databases do. On Cloudflare's free plan an invocation has CPU
time for the 30 jobs of its preset in a warm isolate only. On small plans of Upstash, retained jobs fill a key before any backlog does.

The machine: ${results.machine}. Redis, the HTTP shim that answers as Upstash does and all workers share its cores, so
absolute speeds are low. Commands, bytes, CPU per job and the shape of the curves carry over to other machines. Jobs do nothing and
payloads have 100 bytes unless stated otherwise.

${backlogSection(rows)}
${roundTripSection(rows)}
${drainsSection(rows)}
## Several queues

${highRateText(rows)}
## Fan-out

Fan-out gives you parallel drains without a process. A tick that stops with a backlog starts \`fanOut\` invocations. Each of them starts the
next until the backlog is gone, for up to 60 s or 100 invocations ([\`src/http/backlog-fan-out.ts\`](../../src/http/backlog-fan-out.ts)). So \`fanOut\` is the number of parallel
drains, and the tables above show what it adds. CPU time limits what one invocation can do:

${cpuSection(rows)}
${keySection(rows)}
${highRateSection(rows)}
${speedSection(rows)}`;
}

function drainOf(rows: readonly Row[], waiting: string, batch: Batch, unit: string) {
  return measured(rows, "speed", `drain ${waiting}, batch ${batch}, concurrency ${CONCURRENCY[batch]}`, unit);
}

/** The measured lengths, shortest first. */
function backlogsOf(rows: readonly Row[]): readonly string[] {
  const lengths = rowsOf({ rows }, "speed").flatMap(({ what }) => /^drain ([\d,]+), batch/.exec(what)?.[1] ?? []);
  return [...new Set(lengths)];
}

/** Neither too short to be a backlog, nor so long that it is drained in part. */
function usualBacklog(rows: readonly Row[]): string {
  return backlogsOf(rows)[1] ?? "";
}

function backlogSection(rows: readonly Row[]): string {
  const units = ["jobs a second", "commands a job", "ms a round trip", "CPU of Redis, us a job"];
  const lines = BATCHES.flatMap((batch) =>
    backlogsOf(rows).map((waiting) => {
      const cells = units.map((unit) => figureText(drainOf(rows, waiting, batch, unit)));
      return `| ${waiting} | ${batch} | ${cells.join(" | ")} |`;
    }),
  );
  return `## The backlog

*Measured*, \`npm run bench -- speed\`: one drain over HTTP.

| waiting | batch | ${units.join(" | ")} |
|--:|--:|--:|--:|--:|--:|
${lines.join("\n")}

A claim reads the head of a sorted set, so a job costs the same commands at any length. The work inside Redis grows a little with the size
of its structures, which include the finished jobs of the run, kept for 24 hours. (With 1,000 jobs in batches of 1,000, most
round trips only poll or only settle.)
`;
}

function parallelOf(rows: readonly Row[], what: string): number {
  return measured(rows, "parallel", what, "jobs a second").median;
}

function drainsText(drains: number): string {
  return `${drains} ${drains === 1 ? "drain" : "drains"}`;
}

function roundTripSection(rows: readonly Row[]): string {
  const names = [...DRAINS.map(drainsText), "4 drains in one process"];
  const far = (name: string, batch: Batch) => parallelOf(rows, `${name}, batch ${batch}, ${WAY_MS} ms added`);
  const lines = names.map(
    (name) => `| ${name} | ${BATCHES.map((batch) => numberText(far(name, batch))).join(" | ")} |`,
  );
  return `## One drain: the round trip decides

*Measured*, \`npm run bench -- parallel\`, jobs a second with ${WAY_MS} ms added before each request, as with a distant Redis:

| | batch 100 | batch 1,000 |
|---|--:|--:|
${lines.join("\n")}

So use **larger batches first** (\`batchSize\` up to 1,000; a response holds at most 4 MiB of records), **then more drains**. Several
drains in one invocation (\`Promise.all\` over \`queue.drain()\`) hide the network latency as well as several invocations do, but share one CPU.
`;
}

function drainsSection(rows: readonly Row[]): string {
  const lines = DRAINS.map((drains) => {
    const cells = BATCHES.map((batch) => numberText(parallelOf(rows, `${drainsText(drains)}, batch ${batch}`)));
    const what = `${drainsText(drains)}, batch 1,000`;
    const remark = rowsOf({ rows }, "parallel").find((row) => row.what === what)?.remark ?? "";
    return `| ${drains} | ${cells.join(" | ")} | ${remark} |`;
  });
  const redis = BATCHES.map((batch) => drainOf(rows, usualBacklog(rows), batch, "CPU of Redis, us a job").median);
  const most = redis.map((us) => numberText(Math.round(1_000 / us) * 1_000));
  return `## More drains of one queue

*Measured*, \`npm run bench -- parallel\`, jobs a second, each drain in its own process, no delay added:

| drains | batch 100 | batch 1,000 | how busy, at batch 1,000 |
|--:|--:|--:|---|
${lines.join("\n")}

Throughput levels off when the cores of this machine are busy. Drains do not slow each other down by locks: one Redis runs
its scripts one after the other anyway.

**The next limit is Redis itself**, which runs scripts on one core. *Computed* from the CPU that Redis took, *measured* by
\`npm run bench -- speed\`: ${redis.map(numberText).join(" us a job drained in batches of 100 and ")} us in batches of 1,000 allow at most
${most.join(" and ")} drained jobs a second on one such core, without enqueueing. A core at Upstash was not
measured.
`;
}

function highRateSection(rows: readonly Row[]): string {
  const usPerJob = (batch: Batch) => 1e6 / parallelOf(rows, `1 drain, batch ${batch}`);
  const lines = [1, 5, 20, 50, 100].map((ms) => {
    const cells = BATCHES.map((batch) => {
      const size = Number(batch.replace(",", ""));
      const each = size / (ms / 1_000 + (size * usPerJob(batch)) / 1e6);
      return `${Math.ceil(10_000 / each)} (${numberText(Math.round(each))} each)`;
    });
    return `| ${ms} ms | ${cells.join(" | ")} |`;
  });
  return `## 10,000 jobs a second on Upstash

*Computed*: how many drains you need at most, if each makes its round trips one after the other. (A drain with a backlog keeps
several in flight.)

\`\`\`
jobs a second = batch / (round trip + batch * time per job)
\`\`\`

The time per job is the *measured* inverse of one drain's speed without added delay: ${BATCHES.map((batch) => `${numberText(usPerJob(batch))} us in batches of ${batch}`).join(", ")}.

| round trip to Upstash | batch 100 | batch 1,000 |
|--:|--:|--:|
${lines.join("\n")}

- Enqueue in batches too. Alone, each job needs a round trip: with 5 ms for each, 10,000 a second keep 50 in flight.
- Set \`batchSize: 1000\`, a large enough \`maxJobs\` and \`budget\` (the defaults stop after 100 jobs), and \`fanOut\` from the table, doubled
  for safety.
- Set \`retention\` to \`"0s"\`, or short, as above.
- Use [several queues](../guide/scaling.md#several-queues), so that they can hold what arrives while no drain runs, and in several databases beyond one core of
  Redis.

${costTable(rows)}`;
}

function costTable(rows: readonly Row[]): string {
  const counted = (name: string, column: string) => measured(rows, "commands", name, "commands", column).median;
  const ways: readonly (readonly [string, number])[] = [
    ["one at a time, eager", counted("a lone job, enqueue to done", "tidegate")],
    [
      "enqueued one at a time, drained by 100",
      counted("enqueue one job", "tidegate") + counted("drain a backlog, per job", "tidegate"),
    ],
    [
      "enqueued and drained by 1,000",
      counted("enqueue 1,000 at once, per job", "tidegate") +
        drainOf(rows, usualBacklog(rows), "1,000", "commands a job").median,
    ],
    [
      "BullMQ, from a backlog, without its idle commands and its worker",
      counted("enqueue 100 at once, per job", "bullmq") + counted("drain a backlog, per job", "bullmq"),
    ],
  ];
  const dollars = (commands: number) => `$${((commands / 1e6) * upstashRedis.dollarsPerMillion).toFixed(2)}`;
  const lines = ways.map(([way, commands]) => {
    return `| ${way} | ${numberText(commands)} | ${dollars(commands * 1e6)} | ${dollars(commands * 10_000 * 3_600)} |`;
  });
  return `*Computed* from the commands *measured* by \`npm run bench -- commands\` and \`speed\`, and the price of Upstash
([benchmarks](./benchmarks.md#cost)). Traffic is billed too beyond what a plan includes.

| way | commands a job | a million jobs | 10,000 a second for an hour |
|---|--:|--:|--:|
${lines.join("\n")}
`;
}

/** How many times as fast as BullMQ, and what the limit is. */
function speedSection(rows: readonly Row[]): string {
  const of = (part: string, what: string, column: string) => measured(rows, part, what, "jobs a second", column).median;
  const times = (way: string, column: string) => {
    const what = `drain 100,000, ${way}`;
    return (of("speed", what, column) / of("speed", what, "bullmq")).toFixed(1);
  };
  const ways = ["as each comes", ...BATCHES.map((batch) => `batch ${batch}, concurrency ${CONCURRENCY[batch]}`)];
  const lines = ways.map((way) => `| ${way} | ${times(way, "tidegate")} x | ${times(way, "tidegate-tcp")} x |`);
  const overTcp = (unit: string) =>
    measured(rows, "speed", `drain 100,000, batch 1,000, concurrency ${CONCURRENCY["1,000"]}`, unit, "tidegate-tcp")
      .median;
  const redisMost =
    1e6 /
    overTcp("CPU of Redis, us a job") /
    of("speed", `drain 100,000, batch 1,000, concurrency ${CONCURRENCY["1,000"]}`, "bullmq");
  const busyPercent = (overTcp("jobs a second") * overTcp("CPU of the process, us a job")) / 10_000;
  return `## Beside BullMQ

*Measured*, \`npm run bench -- speed\`: how many times as fast as BullMQ's worker
Tidegate drains a backlog of 100,000:

| | over HTTP | over TCP |
|---|--:|--:|
${lines.join("\n")}

With its defaults, BullMQ runs one job at a time. At equal concurrency, HTTP limits Tidegate here. Over TCP, the draining process is the
limit: in batches of 1,000 it uses ${busyPercent.toFixed(0)} % of a core. The CPU that Redis itself takes for a job, ${numberText(overTcp("CPU of Redis, us a job"))} us, allows at most
${redisMost.toFixed(1)} times BullMQ's speed.
`;
}
