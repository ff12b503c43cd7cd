import { randomUUID } from "node:crypto";
import { Option } from "@commander-js/extra-typings";
import { plans } from "../../core/store/plans.ts";
import { isRedisUrl } from "../../dev/redis-address.ts";
import { keysOf } from "../../stores/redis/keys.ts";
import { type Measured, type Measurements, measure, SCRATCH } from "../cost/measure.ts";
import { type Month, month, type PlanName, type Share, verdict } from "../cost/month.ts";
import { duration, whole } from "../option-values.ts";
import { count } from "../output/text.ts";
import { span } from "../output/time.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { suggestedCommand } from "../suggested-command.ts";
import { type RedisTarget, redisTarget } from "../target.ts";
import { UsageError } from "../usage-error.ts";

const DESCRIPTION = `Shows what the queue costs in commands, which Upstash bills.

First it measures: it runs about 100 jobs through a queue of their own in your Redis, counts their commands, and removes
their keys. That costs some 100 commands.
Then it multiplies, for a month of 30 days: by the ticks, by the occurrences of the current schedules, and by the other
jobs that you expect (--jobs). Each job counts as if it came alone, and each occurrence as if a drain fired it, so the
result is an upper limit.

It needs the Redis itself and cannot measure a handler. The dashboard of a handler shows the cost of a month, and
queue:list --queue NAME today's commands.`;

export function addCost(session: Session): void {
  addCommand(
    session.program,
    "queue:cost",
    "measure what jobs, ticks and a month cost in commands",
    DESCRIPTION,
    ["tidegate queue:cost", "ticks and schedules on the free plan"],
    ["tidegate queue:cost --jobs 100000 --plan payg", "with 100,000 jobs, in dollars"],
  )
    .addOption(new Option("--plan <plan>", "of Upstash").choices(["free", "payg"] as const).default("free" as const))
    .addOption(
      new Option("--tick <duration>", "how often a cron trigger drains: 1m, 15s")
        .argParser(duration)
        .default(60_000, "1m"),
    )
    .option("--jobs <count>", "how many jobs a month you expect, not counting schedules", whole(0, 1_000_000_000), 0)
    .action(async ({ plan, tick, jobs }) => {
      if (tick < 1_000) throw new UsageError("--tick must be at least 1s.");
      refuseHandler(session);
      const target = await redisTarget(session);
      const schedules = await target.queue.schedules.list();
      const line = session.liveLine();
      line.show("Measuring ...");
      const measured = await measureApart(target, session).finally(() => line.clear());
      const estimate = month(measured, schedules, { tickMs: tick, jobs, now: session.now });
      session.print(
        {
          measured: Object.values(measured),
          month: estimate,
          plan: { name: plan, ...verdict(plan, estimate.commands) },
        },
        () => report(target, measured, estimate, { plan, tick }, session),
      );
    });
}

/** @throws {UsageError} if the options or the environment name a handler, and no Redis. */
function refuseHandler({ io: { env }, globals }: Session): void {
  const named = globals.url ?? (env["UPSTASH_REDIS_REST_URL"] ? undefined : env["TIDEGATE_URL"]);
  if (!named || isRedisUrl(named)) return;
  const today = suggestedCommand("queue:list", { ...globals, queue: globals.queue ?? "NAME" });
  throw new UsageError(
    "queue:cost measures directly on Redis: it cannot measure a handler.",
    `The dashboard of the handler shows the cost of a month, and today's commands are in: ${today}
To measure, set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, and leave out --url; or give --url redis://...`,
  );
}

/** Measures under temporary keys and removes them afterwards. */
async function measureApart({ database }: RedisTarget, session: Session): Promise<Measurements> {
  const prefix = `tidegate-cost-${randomUUID()}`;
  try {
    return await measure(database.storeUnder(prefix), session.now);
  } finally {
    const removed = await database.ask(["DEL", ...keysOf(prefix, SCRATCH).all]);
    if ("error" in removed) session.note(`The keys under ${prefix} could not be removed.`);
  }
}

interface Assumed {
  readonly plan: PlanName;
  readonly tick: number;
}

function report(
  target: RedisTarget,
  measured: Measurements,
  estimate: Month,
  assumed: Assumed,
  session: Session,
): string {
  const { colors } = session;
  const amount = (value: number) => (Number.isInteger(value) ? count(value) : value.toFixed(2));
  const costs = session.table<Measured>(
    [
      { title: "COMMANDS", cell: ({ commands }) => amount(commands), align: "right" },
      { title: "ROUND TRIPS", cell: ({ roundTrips }) => amount(roundTrips), align: "right" },
      { title: "MEASURED", cell: ({ what }) => what },
    ],
    Object.values(measured),
  );
  const shares = session.table<Share>(
    [
      { title: "COMMANDS", cell: ({ commands }) => count(commands), align: "right" },
      { title: "TIMES", cell: ({ times }) => count(times), align: "right" },
      { title: `A MONTH, WITH A TICK EVERY ${span(assumed.tick).toUpperCase()}`, cell: ({ what }) => what },
    ],
    estimate.shares,
  );
  return `${colors.bold(target.label)}\n\n${costs}\n\n${shares}\n\n${verdictText(assumed.plan, estimate.commands)}`;
}

function verdictText(plan: PlanName, commands: number): string {
  const means = verdict(plan, commands);
  const most = `At most ${count(commands)} commands a month in all.`;
  const source = "Plans as of November 2026: see https://upstash.com/pricing/redis";
  if ("dollars" in means) return `${most} Pay as you go: $${means.dollars.toFixed(2)}.\n${source}`;
  const percent = `${(means.share * 100).toFixed(1)} %`;
  return `${most} Free plan: ${percent} of its ${count(plans.free.commands)}.\n${source}`;
}
