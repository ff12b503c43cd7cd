import { numberText } from "../figures.ts";
import { upstashRedis } from "../prices.ts";
import { measured, type Row } from "../results.ts";

const HIGH_RATE = 100_000;
/** How much of a core is planned for Redis, so that bursts have room. */
const PLANNED_SHARE = 0.7;

/** What 100,000 jobs a second would take. */
export function highRateText(rows: readonly Row[]): string {
  const overTcp = (what: string, unit: string) => measured(rows, "speed", what, unit, "tidegate-tcp").median;
  const drained = "drain 100,000, batch 1,000, concurrency 100";
  const redisUs = ["enqueue, batches of 1,000", drained]
    .map((what) => overTcp(what, "CPU of Redis, us a job"))
    .reduce((sum, us) => sum + us);
  const cores = (HIGH_RATE * redisUs) / 1e6;
  const drains = (HIGH_RATE * overTcp(drained, "CPU of the process, us a job")) / 1e6;
  const commands =
    measured(rows, "commands", "enqueue 1,000 at once, per job", "commands", "tidegate").median +
    measured(rows, "speed", drained, "commands a job").median;
  const dollars = ((commands * HIGH_RATE * 3_600) / 1e6) * upstashRedis.dollarsPerMillion;
  return `**${numberText(HIGH_RATE)} jobs a second**, enqueued and drained in batches of 1,000 over TCP, *computed* from
[speed](./benchmarks.md#speed):

| | |
|---|---|
| CPU of Redis | ${cores.toFixed(1)} cores: ${Math.ceil(cores / PLANNED_SHARE)} databases with a core each, ${PLANNED_SHARE * 100} % busy |
| CPU of the drains, with empty jobs | ${drains.toFixed(1)} cores: ${Math.ceil(drains / PLANNED_SHARE)} processes |
| commands | ${numberText(Math.round(commands * HIGH_RATE))} a second |
| Upstash, pay as you go, without traffic | $${dollars.toFixed(2)} an hour, if its servers keep up, which was not measured |
| retained jobs | ${numberText(HIGH_RATE * 86_400)} a day: set \`retention\` to \`"0s"\`, or to minutes |
`;
}
