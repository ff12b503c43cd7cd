import { exact } from "./figures.ts";
import { services, upstashRedis } from "./prices.ts";
import { measured, type Row } from "./results.ts";

const MINUTES_A_MONTH = 30 * 24 * 60;
const MILLION = 1_000_000;

// The columns of the part, in dollars.
export const MILLION_JOBS = "a million jobs";
const IDLE_MONTH = "an idle month";

/** Ways to use a queue on Redis: the cost of a job is then the sum of some of the counted rows. */
const ways: readonly (readonly [what: string, column: string, counted: readonly string[]])[] = [
  ["Tidegate, one at a time, each run at once", "tidegate", ["a lone job, enqueue to done"]],
  ["Tidegate, enqueued one at a time, drained by 100", "tidegate", ["enqueue one job", "drain a backlog, per job"]],
  ["Tidegate, enqueued and drained by 100", "tidegate", ["enqueue 100 at once, per job", "drain a backlog, per job"]],
  ["BullMQ, one at a time, each run at once", "bullmq", ["a lone job, enqueue to done"]],
  ["BullMQ, enqueued by 100, from a backlog", "bullmq", ["enqueue 100 at once, per job", "drain a backlog, per job"]],
  ["Bee-Queue, one at a time, each run at once", "bee-queue", ["a lone job, enqueue to done"]],
  [
    "Bee-Queue, enqueued by 100, from a backlog",
    "bee-queue",
    ["enqueue 100 at once, per job", "drain a backlog, per job"],
  ],
];

/** The cost of a million jobs, and of an idle month: computed from the counts and the published prices. */
export function costRows(rows: readonly Row[]): readonly Row[] {
  return [...ways.map((way) => onUpstash(rows, way)), ...services.map(serviceRow)];
}

function onUpstash(rows: readonly Row[], [what, column, counted]: (typeof ways)[number]): Row {
  const commands = (name: string) => measured(rows, "commands", name, "commands", column).median;
  const each = counted.map(commands);
  const perJob = each.reduce((total, value) => total + value, 0);
  const idle = commands("an idle minute");
  return costRow(
    what,
    perJob * upstashRedis.dollarsPerMillion,
    (idle * MINUTES_A_MONTH * upstashRedis.dollarsPerMillion) / MILLION,
    `${each.map(short).join(" + ")} commands a job, ${short(idle)} in an idle minute`,
  );
}

function serviceRow({ service, unit, unitsPerJob, dollarsPerMillion }: (typeof services)[number]): Row {
  const remark = `${unitsPerJob} ${unit}${unitsPerJob > 1 ? "s" : ""} a job`;
  return costRow(service, unitsPerJob * dollarsPerMillion, 0, remark);
}

function costRow(what: string, million: number, idle: number, remark: string): Row {
  const figures = { [MILLION_JOBS]: exact(million), [IDLE_MONTH]: exact(idle) };
  return { part: "cost", what, unit: "$", figures, remark };
}

function short(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}
