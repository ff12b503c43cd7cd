import { type Column, table } from "../../src/cli/output/table.ts";
import type { Colors } from "../../src/cli/output/text.ts";
import { figureText } from "../figures.ts";
import { services, upstashRedis } from "../prices.ts";
import { columnsOf, type Results, type Row, rowsOf, titleOf } from "../results.ts";
import { plotsOf } from "./plots.ts";

/** What a part measures, and what to know about it. */
const introductions: Readonly<Record<string, string>> = {
  heart: `The measure of any change to the drain: a backlog of 20,000 empty jobs, at equal concurrency. The systems take turns, so
compare the ratios.`,
  commands: `Billed commands: what Redis counts (\`INFO commandstats\`), those inside scripts included. The failing job is the
first of its type, which costs Tidegate one command more. [Costs](../guide/costs.md) has what tests count under a clock that stands still:
there, a batch of a backlog costs 9.`,
  speed: `One process fills the queue, one empties it; the jobs do nothing. Only Tidegate has batches: the others take jobs
one by one. *As each comes*: with the defaults, which are batches of 100 and ten jobs at once for Tidegate, and one job at a time for
BullMQ and Bee-Queue. In the other rows all have the same concurrency. CPU is the process's own (\`process.cpuUsage\`) and that of Redis (\`INFO
cpu\`).`,
  latency: `From the call that enqueues a job to its start, in one process. *Tidegate*: an HTTP handler in
the process enqueues over HTTP and runs the job after its response. *Tidegate, TCP*: \`startWorker\` on
\`redisStore\`. *Tidegate, looking each 100 ms*: the same with the job enqueued by another
process. The worker polls for such jobs, every 10 s by default, every 100 ms here. BullMQ and Bee-Queue wait in Redis for a
job. *Jobs that wait for their time* are due in an hour. *Behind due jobs*: one job is enqueued when that many are due and a worker has
just started. The HTTP handler runs its own job at once; the workers first run those before it.`,
  memory: `\`used_memory\` of Redis before and after, for each job. All three keep finished jobs.`,
  parallel: `Parallel drains, each in its own process. *20 ms added*: each request is sent that much later, as if Redis were
far away.`,
  distance: `Over TCP, with ioredis on both sides and 100 jobs at once unless it says otherwise. A proxy in its own process delays
each reply of Redis, for BullMQ as well. *Slots busy*: the share of the slots' time that jobs took, from a quarter to three quarters of
a run; 100 % is ideal. Jobs wait for a timer. *Two drains*: one process each, ten slots each, started together.`,
  fairness: `How long a single job waits if that many jobs of one customer are ready when it is enqueued, and a worker with ten
slots has just started. Over TCP, through the same proxy for both. With Tidegate, the customer is a flow control key without limits, and
the single job has its own key: keys are served round-robin. BullMQ has groups only in its Pro tier, so the single job comes last.`,
  workerd: `The CPU of workerd, Cloudflare's runtime, with the Worker of \`bench/workerd\`, less that of an empty script
(\`/proc/PID/task/*/schedstat\`): of the thread that runs the script and its network requests, and of all threads, compiler and garbage
collector included. What Cloudflare itself counts, on its machines, was not measured. Its free plan allows 10 ms a request, without the
start of an isolate. So \`createWorker\` drains made-up jobs at the start, which compiles the code that a first request needs.`,
  cost: `Computed from what *commands* counted and from published prices, without what plans include. It leaves out what runs
the jobs: an invocation for each batch with Tidegate and Cloudflare Queues, one for each job with QStash, a permanent process with BullMQ
and Bee-Queue. Tidegate, BullMQ and Bee-Queue are on Upstash's pay as you go here. Its Fixed plans, from $10 a month, bill no commands: for
BullMQ, whose worker sends commands while it waits, Upstash advises one of these. *Drained by 100* is from a long backlog.`,
};

/** Sections whose names are not those of a part of the benchmark. */
const measuredBy: Readonly<Record<string, string>> = { cost: "commands" };

/** What a reader in a hurry wants to see: rows of all parts. */
const summary: readonly (readonly [part: string, unit: string, what: RegExp])[] = [
  ["commands", "commands", /^drain a backlog/],
  ["commands", "commands", /^a lone job/],
  ["commands", "commands", /^an idle minute/],
  ["speed", "jobs a second", /^enqueue one at a time/],
  ["speed", "jobs a second", /^enqueue, batches of 1,000/],
  ["speed", "jobs a second", /^drain 10+,000, as each comes/],
  ["speed", "jobs a second", /^drain 10+,000, batch 100,/],
  ["speed", "jobs a second", /^drain 10+,000, batch 1,000,/],
  ["speed", "CPU of Redis, us a job", /^drain 10+,000, batch 100,/],
  ["latency", "ms", /^idle, median/],
  ["memory", "bytes of Redis", /^a waiting job, payload of 100 bytes/],
];

const HEAD = "Redis, the REST shim and every worker are separate processes that compete for these cores.";

export function benchmarksPage(results: Results): string {
  const { machine, runs, rows } = results;
  const parts = [...new Set(rows.map(({ part }) => part))];
  return [
    "# Benchmarks",
    "",
    "<!-- Written by `npm run bench -- --write` and `npm run docs -- benchmarks`. Change bench/, not this file. -->",
    "",
    "What Tidegate costs and how fast it is, beside BullMQ and Bee-Queue, on one small machine. The first table sums it up. Fewer commands are",
    "Tidegate's strength; where a process waits in Redis, a lone job starts sooner with BullMQ.",
    "",
    `The machine: ${machine}.`,
    HEAD,
    "",
    ...runs.map(
      ({ parts, date, command, seconds }) =>
        `- \`${command}\`, on ${date.slice(0, 10)} in ${seconds} s: ${parts.join(", ")}`,
    ),
    "",
    "*Tidegate* speaks HTTP, through a shim that answers as Upstash's REST API does. *Tidegate, TCP* is `redisStore` with ioredis, beside",
    "BullMQ with ioredis and Bee-Queue with node-redis. All use the same redis-server in the same run, and keep",
    "finished jobs. Payloads have 100 bytes unless it says otherwise.",
    "",
    "A figure is the median of several runs, and `± n %` half of the way from the lowest run to the highest.",
    "[`bench/results.json`](../../bench/results.json) has both ends and the number of runs. Counts have no spread.",
    "[Scaling](./scaling.md) says what the figures mean for a real queue.",
    "",
    ...markdownTable(summaryRows(rows)),
    ...parts.flatMap((part) => section(results, part)),
    "",
  ].join("\n");
}

function summaryRows(rows: readonly Row[]): readonly Row[] {
  return summary.flatMap(([part, unit, what]) => {
    const row = rows.find((each) => each.part === part && each.unit === unit && what.test(each.what));
    if (!row) return [];
    const { "tidegate-elsewhere": _, ...figures } = row.figures;
    return [{ ...row, figures, remark: `[${part}](#${part})` }];
  });
}

function section(results: Results, part: string): readonly string[] {
  const plots = plotsOf(results).filter((plot) => plot.part === part);
  return [
    "",
    `## ${part}`,
    "",
    `\`npm run bench -- ${measuredBy[part] ?? part}\`. ${introductions[part] ?? ""}`,
    ...plots.flatMap(({ file, chart }) => ["", `![${chart.title}](${file.replace("docs/", "../")})`]),
    "",
    ...markdownTable(rowsOf(results, part)),
    ...(part === "cost" ? priceList() : []),
  ];
}

function markdownTable(rows: readonly Row[]): readonly string[] {
  const columns = columnsOf(rows);
  return [
    `| | unit | ${columns.map(titleOf).join(" | ")} | |`,
    `|---|---|${columns.map(() => "--:|").join("")}---|`,
    ...rows.map(({ what, unit, figures, remark = "" }) => {
      const cells = columns.map((column) => figureText(figures[column]));
      return `| ${what} | ${unit} | ${cells.join(" | ")} | ${remark} |`;
    }),
  ];
}

function priceList(): readonly string[] {
  return [
    "",
    "The prices, from stored copies of these pages:",
    "",
    "| | $ a million | of | source | as of | |",
    "|---|--:|---|---|---|---|",
    ...[upstashRedis, ...services].map(
      ({ service, dollarsPerMillion, unit, source, asOf, note }) =>
        `| ${service} | ${dollarsPerMillion.toFixed(2)} | ${unit}s | <${source}> | ${asOf} | ${note} |`,
    ),
  ];
}

/** The same for a terminal. */
export function resultTable(results: Results, colors: Colors): string {
  const parts = [...new Set(results.rows.map(({ part }) => part))];
  const tables = parts.map((part) => {
    const rows = rowsOf(results, part);
    const columns: readonly Column<Row>[] = [
      { title: part, cell: ({ what }) => what },
      { title: "unit", cell: ({ unit }) => unit },
      ...columnsOf(rows).map((column): Column<Row> => {
        return { title: titleOf(column), cell: ({ figures }) => figureText(figures[column]), align: "right" };
      }),
      { title: "", cell: ({ remark = "" }) => remark },
    ];
    return table(columns, rows, { colors });
  });
  return [...tables, results.machine].join("\n\n");
}
