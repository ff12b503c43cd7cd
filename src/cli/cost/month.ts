import { parseCron } from "../../core/cron/cron.ts";
import type { ScheduleInfo } from "../../core/schedule/schedules.ts";
import { plans } from "../../core/store/plans.ts";
import type { Measured, Measurements } from "./measure.ts";

const MONTH_MS = 30 * 86_400_000;
/** A schedule is followed for this many occurrences. After that, its pace is extrapolated. */
const MOST_OCCURRENCES = 50_000;

/** One line of a month's cost: a measured cost and how often it occurs. */
export interface Share {
  readonly what: string;
  readonly times: number;
  readonly commands: number;
}

export type Month = ReturnType<typeof month>;

/** An upper limit for 30 days: idle ticks, the occurrences of the schedules, and other jobs, each of them alone. */
export function month(
  measured: Measurements,
  schedules: readonly ScheduleInfo[],
  { tickMs, jobs, now }: { readonly tickMs: number; readonly jobs: number; readonly now: number },
) {
  const alone = measured.enqueue.commands + measured.lone.commands;
  const shares = [
    times("ticks", Math.ceil(MONTH_MS / tickMs), measured.idleTick.commands),
    ...schedules.map((schedule) =>
      times(`schedule ${schedule.key}`, occurrencesOf(schedule, now), measured.occurrence.commands),
    ),
    ...(jobs > 0 ? [times("other jobs, each alone", jobs, alone)] : []),
  ];
  return { shares, commands: shares.reduce((sum, { commands }) => sum + commands, 0) };
}

function times(what: string, often: number, each: Measured["commands"]): Share {
  return { what, times: often, commands: often * each };
}

/** How often a schedule fires in the 30 days from now. */
function occurrencesOf({ key, cron, timeZone }: ScheduleInfo, now: number): number {
  const { next } = parseCron(cron, timeZone, key);
  const end = now + MONTH_MS;
  let occurrences = 0;
  let occurrence = next(now);
  for (; occurrence !== undefined && occurrence <= end; occurrence = next(occurrence)) {
    occurrences++;
    if (occurrences === MOST_OCCURRENCES) return Math.ceil((occurrences * MONTH_MS) / (occurrence - now));
  }
  return occurrences;
}

export type PlanName = keyof typeof plans;

/** What a number of commands a month means on a plan. */
export function verdict(plan: PlanName, commands: number): { readonly share: number } | { readonly dollars: number } {
  if (plan === "free") return { share: commands / plans.free.commands };
  return { dollars: (commands / 100_000) * plans.payg.dollarsPer100k };
}
