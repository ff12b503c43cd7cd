import { text as readText } from "node:stream/consumers";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { type Duration, durationMs, type PointInTime, pointInTimeMs, readDuration } from "../core/shared/duration.ts";
import { isTidegateError } from "../core/shared/errors.ts";
import { groupPattern } from "../core/store/failures.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./usage-error.ts";

export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

export function failureGroup(text: string): string {
  if (groupPattern.test(text)) return text;
  throw new InvalidArgumentError("It must be a group as queue:failures shows it: 12 digits from 0 to f.");
}

export function duration(text: string): number {
  return orInvalid(() => durationMs(text, "It"), "It must be a duration, such as 30s, 5m, 1h or 7d.");
}

export function time(text: string): PointInTime {
  const value = /^\d+$/.test(text) ? Number(text) : text;
  orInvalid(
    () => pointInTimeMs(value, "It"),
    "It must be a time with its zone, on a date that exists, such as 2030-01-31T09:00:00Z, or milliseconds since 1970, before the year 2109.",
  );
  return value;
}

export function when(text: string): PointInTime | Duration {
  if (Number.isNaN(readDuration(text))) return time(text);
  duration(text);
  return text as Duration;
}

/** Replaces the message of an error, which is meant for code, with one for the command line. */
function orInvalid<Value>(read: () => Value, message: string): Value {
  try {
    return read();
  } catch (error) {
    throw isTidegateError(error) ? new InvalidArgumentError(message) : error;
  }
}

/** Parses JSON from an argument, or from standard input for "-". @throws {UsageError} without the private text. */
export async function json(text: string | undefined, what: string, { stdin }: Io): Promise<unknown> {
  if (text === undefined) return undefined;
  const source = text === "-" ? await readText(stdin) : text;
  try {
    return JSON.parse(source);
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    const where = position === undefined ? "" : ` at character ${Number(position) + 1}`;
    const hint =
      text === "-"
        ? "Standard input must contain the JSON and nothing else."
        : `Quote it for the shell, as in '{"to":"ada@example.com"}', or give - and send it to standard input.`;
    throw new UsageError(`${what} is not valid JSON${where}.`, hint);
  }
}
