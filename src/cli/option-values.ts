import { text as readText } from "node:stream/consumers";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { durationMs, type PointInTime, pointInTimeMs } from "../core/shared/duration.ts";
import { isTidegateError } from "../core/shared/errors.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./usage-error.ts";

/** Reads an option that is a whole number. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** Reads an option that is a length of time, as ms. */
export function duration(text: string): number {
  return orInvalid(() => durationMs(text, "It"), "It must be a duration, such as 30s, 5m, 1h or 7d.");
}

/** Reads an option that is a point in time: ISO 8601, or ms since 1970. */
export function time(text: string): PointInTime {
  const value = /^\d+$/.test(text) ? Number(text) : text;
  orInvalid(
    () => pointInTimeMs(value, "It"),
    "It must be a time with its zone, on a date that exists, such as 2030-01-31T09:00:00Z, or milliseconds since 1970, before the year 2109.",
  );
  return value;
}

/** In words of the command line: what the queue says of such values is meant for code, where they may be numbers and dates. */
function orInvalid<Value>(read: () => Value, message: string): Value {
  try {
    return read();
  } catch (error) {
    throw isTidegateError(error) ? new InvalidArgumentError(message) : error;
  }
}

/**
 * Reads JSON from an argument, or from standard input where it is "-"; undefined where none is given.
 *
 * @throws {UsageError} where it is none. The text is not repeated: it may be private.
 */
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
