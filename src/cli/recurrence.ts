import type { Schedule } from "../core/job/options.ts";
import type { Duration } from "../core/shared/duration.ts";
import { UsageError } from "./usage-error.ts";

interface Given {
  readonly cron?: string | undefined;
  readonly every?: Duration | undefined;
  readonly timeZone?: string | undefined;
}

/** Reads when a schedule fires. Refuses contradictions before anything is sent. */
export function ruleOf({ cron, every, timeZone }: Given): Schedule {
  if (every !== undefined && timeZone !== undefined)
    throw new UsageError(
      "--time-zone is for --cron. With --every, leave it out: an interval counts from 1970, in any zone.",
    );
  if (cron !== undefined && every === undefined) return { cron, timeZone };
  if (every !== undefined && cron === undefined) return { every };
  throw new UsageError("A schedule needs either --cron or --every.");
}
