import type { Command, OptionValues } from "@commander-js/extra-typings";
import type { JobInfo } from "../core/manage/job-info.ts";
import { type Duration, durationMs, type PointInTime, pointInTimeMs, readDuration } from "../core/shared/duration.ts";
import { when } from "./option-values.ts";
import type { Session } from "./session.ts";
import { UsageError } from "./usage-error.ts";

/** Which items of a list are shown: those whose time is not before another. */
export interface Since<Item> {
  /** In ms since 1970. */
  readonly ms: number;
  readonly timeOf: (item: Item) => number;
  /** Whether the list begins with the newest: then nothing is read after the first item that is too old. */
  readonly isNewestFirst: boolean;
}

/** Adds the option of lists that people read by time. */
export function addSince<Arguments extends unknown[], Options extends OptionValues>(
  command: Command<Arguments, Options>,
) {
  return command.option(
    "--since <when>",
    "only what is newer: 30m, 1h, 7d, or a time such as 2030-01-31T09:00:00Z",
    when,
  );
}

/** When a list begins, in ms since 1970. Undefined without the option. @throws {UsageError} for a time to come */
export function sinceMs(given: PointInTime | Duration | undefined, { now }: Session): number | undefined {
  if (given === undefined) return undefined;
  const isAgo = typeof given === "string" && !Number.isNaN(readDuration(given));
  const ms = isAgo ? now - durationMs(given as Duration, "--since") : pointInTimeMs(given, "--since");
  if (ms > now) throw new UsageError("--since is a time to come.", "It takes a time that has passed, or how long ago.");
  return ms;
}

/** When something last happened to a job: it ended or began, or was enqueued. */
export function lastEventOf({ completedAt, failedAt, startedAt, enqueuedAt }: JobInfo): number {
  return (completedAt ?? failedAt ?? startedAt ?? enqueuedAt).getTime();
}
