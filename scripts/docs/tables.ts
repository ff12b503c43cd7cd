// Writes the tables of pages that say what is counted: the table below `<!-- table: NAME -->` is made from the code.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { apiWorld, tokens } from "../../test/api-examples/world.ts";
import { markdownFiles, replaceFile, type Writing } from "../shared/files.ts";
import { commentsOf } from "./comments.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const place = /(?<=<!-- table: (\w+) -->\n)(?:\|.*\n)*/g;

type Rows = readonly (readonly string[])[];

type Source = readonly [file: string, type: string];

/** What takes options, and the interfaces that declare them. */
const optionTables: Readonly<Record<string, readonly Source[]>> = {
  queueOptions: [["src/core/queue/options.ts", "QueueOptions"]],
  jobOptions: [
    ["src/core/job/define.ts", "AnyJob"],
    ["src/core/job/options.ts", "JobOptions"],
  ],
  backoffOptions: [["src/core/job/backoff.ts", "BackoffRule"]],
  scheduleOptions: ["CronSchedule", "IntervalSchedule", "AnySchedule"].map((type) => ["src/core/job/options.ts", type]),
  flowOptions: [["src/core/job/flow-control.ts", "FlowControlLimits"]],
  enqueueOptions: [
    ["src/core/enqueue/new-job.ts", "EnqueueFields"],
    ["src/core/job/enqueue.ts", "JobEnqueueOptions"],
    ["src/core/job/options.ts", "JobOptions"],
  ],
  drainOptions: [["src/core/drain/options.ts", "DrainOptions"]],
  handlerOptions: [
    ["src/http/options.ts", "HandlerOptions"],
    ["src/http/backlog-fan-out.ts", "FanOutOptions"],
  ],
  enqueueLimits: [["src/http/enqueue-scope.ts", "EnqueueLimits"]],
  limitedToken: [["src/http/limited-token.ts", "LimitedToken"]],
  cloudflareOptions: [["src/platforms/worker-parts.ts", "CloudflareOptions"]],
  routeOptions: [["src/platforms/vercel.ts", "RouteOptions"]],
  workerOptions: [["src/platforms/node.ts", "WorkerOptions"]],
  upstashOptions: [["src/stores/redis-http/index.ts", "UpstashStoreOptions"]],
  redisOptions: [["src/stores/redis-tcp/index.ts", "RedisStoreOptions"]],
  clientOptions: [["src/client/transport.ts", "QueueClientOptions"]],
  dashboardOptions: [["src/http/dashboard/index.ts", "DashboardOptions"]],
  alertOptions: [
    ["src/alerts/target.ts", "AlertOptions"],
    ["src/alerts/index.ts", "WebhookOptions"],
  ],
};

function optionRows(sources: readonly Source[]): Rows {
  const comments = new Map(sources.toReversed().flatMap((source) => [...commentsOf(...source)]));
  const rows = [...comments].map(([option, comment]) => [code(option), comment.replaceAll("|", "\\|")]);
  return [["option", ""], ...rows.sort(([one = ""], [other = ""]) => one.localeCompare(other))];
}

/** Every table by its name. The first row is the head. */
const tables: Readonly<Record<string, () => Rows | Promise<Rows>>> = {
  statistics: () => [
    ["field", ""],
    ...[
      ...commentsOf("src/core/manage/stats.ts", "QueueStats"),
      ...commentsOf("src/core/observe/changes.ts", "PausedBy"),
    ].map(([field, comment]) => [code(field), comment]),
  ],
  metrics,
  ...Object.fromEntries(Object.entries(optionTables).map(([name, sources]) => [name, () => optionRows(sources)])),
};

/**
 * Writes the tables into README.md and everything in docs/.
 *
 * @returns the pages that were rewritten, or would be.
 * @throws {Error} if a page names a table that does not exist; the message names both.
 */
export async function writeTables(how: Writing): Promise<string[]> {
  const differing: string[] = [];
  for (const page of markdownFiles(how.root ?? repository)) {
    const before = await readFile(join(how.root ?? repository, page), "utf8");
    const made = new Map<string, string>();
    for (const [, name = ""] of before.matchAll(place)) {
      const rows = await tables[name]?.();
      if (!rows) throw new Error(`${page} names the table "${name}", which scripts/docs/tables.ts lacks.`);
      made.set(name, textOf(rows));
    }
    const after = before.replace(place, (_, name: string) => made.get(name) ?? "");
    differing.push(...(await replaceFile(page, after, how)));
  }
  return differing;
}

function textOf([head = [], ...rows]: Rows): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("");
}

const code = (text: string) => `\`${text}\``;

/** What GET /metrics of the examples says of itself. Labels that say what is counted have all of their values. */
async function metrics(): Promise<Rows> {
  const request = new Request("https://queue.example/metrics?keys=true", {
    headers: { Authorization: `Bearer ${tokens.admin}` },
  });
  const text = await (await (await apiWorld()).fetch(request)).text();
  const rows = text
    .split("# HELP ")
    .slice(1)
    .map((family) => {
      const [, name = "", help = "", type = ""] = /^(\S+) (.+)\n# TYPE \S+ (\w+)/.exec(family) ?? [];
      const labels = new Map<string, Set<string>>();
      for (const [, label = "", value = ""] of family.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
        labels.set(label, (labels.get(label) ?? new Set()).add(code(value)));
      const said = [...labels].flatMap(([label, values]) => {
        if (label === "queue" || label === "le") return [];
        return label === "name" || label === "key" ? code(label) : `${code(label)}: ${[...values].join(", ")}`;
      });
      return [code(name), type, help, said.join("; ")];
    });
  return [["metric", "type", "", "labels besides `queue`"], ...rows];
}
