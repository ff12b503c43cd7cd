import stringWidth from "string-width";
import { describeError } from "../../core/job/record.ts";
import type { CompleteEvent, Hooks } from "../../core/observe/hooks.ts";
import { shortId } from "../output/short-id.ts";
import { cut, wrap } from "../output/table.ts";
import { type Colors, printable } from "../output/text.ts";
import { fromNow } from "../output/time.ts";
import type { Session } from "../session.ts";
import type { Display } from "./display.ts";

/** An attempt that has ended. */
interface Line extends CompleteEvent {
  readonly outcome: "completed" | "snoozed" | "failed" | "dead" | "refused";
  /** When the job runs again. */
  readonly runAt?: Date;
  /** Why it failed, or was refused. */
  readonly error?: { readonly name: string; readonly message: string };
}

/** Hooks that print a line for each attempt: outcome, job, number, duration, and why it failed. */
export function jobLines(display: Display, session: Session): Hooks {
  const { width } = session;
  const print = (line: Line) => display.line(session.isJson ? jsonLine(line, session.now) : text(line));
  const text = width ? columns(session, width) : (line: Line) => plainLine(line, session);
  return {
    onComplete: (event) => print({ ...event, outcome: "completed" }),
    onSnooze: (event) => print({ ...event, outcome: "snoozed" }),
    onRetry: ({ error, ...event }) => print({ ...event, outcome: "failed", error: describeError(error) }),
    onDead: ({ error, ...event }) => print({ ...event, outcome: "dead", error: describeError(error) }),
    onLost: ({ error: _, ...event }) => print({ ...event, outcome: "refused", error: leaseExpired }),
  };
}

const leaseExpired = { name: "LeaseExpiredError", message: "its lease had expired before it ended" };

/** A line for programs. It has no stack, which could be long. */
function jsonLine({ outcome, name, id, attempt, maxRetries, ranMs, runAt, error }: Line, now: number): string {
  const reason = error && { name: error.name, message: error.message };
  return JSON.stringify({ at: new Date(now), outcome, name, id, attempt, maxRetries, ranMs, runAt, error: reason });
}

/** A line for a log, with the whole id. */
function plainLine(line: Line, { now, colors }: Session): string {
  const { outcome, name, id, attempt, maxRetries, ranMs, error } = line;
  const parts = [`attempt ${attempt} of ${maxRetries + 1}`, took(ranMs), again(line, now)].filter(Boolean);
  const head = `${paintOf(outcome, colors)(outcome)} ${printable(name)} ${printable(id)} ${parts.join(", ")}`;
  return error ? `${head}: ${reasonOf(error)}` : head;
}

/** The widest column of names. */
const WIDEST_NAME = 24;
const INDENT = 10;
const MOST_LINES_BELOW = 4;

/** Makes lines in columns, for a terminal. Why an attempt failed stands below it. */
function columns(session: Session, width: number): (line: Line) => string {
  const { colors } = session;
  let widest = 0;
  return (line) => {
    const { outcome, attempt, maxRetries, ranMs, error } = line;
    const name = cut(printable(line.name), WIDEST_NAME);
    widest = Math.max(widest, stringWidth(name));
    const { now } = session;
    const cells = [
      colors.dim(new Date(now).toLocaleTimeString("en-GB")),
      paintOf(outcome, colors)(outcome.padEnd("completed".length)),
      name + " ".repeat(widest - stringWidth(name)),
      colors.dim(cut(printable(shortId(line.id)), 8)),
      took(ranMs).padStart("99.9 min".length),
      `${attempt}/${maxRetries + 1}`,
    ];
    const reason = [again(line, now), error && reasonOf(error)].filter(Boolean).join(": ");
    const below = wrap(reason, width - INDENT, MOST_LINES_BELOW);
    return [cells.join("  "), ...below.map((each) => " ".repeat(INDENT) + paintOf(outcome, colors)(each))].join("\n");
  };
}

function paintOf(outcome: Line["outcome"], colors: Colors): (text: string) => string {
  const paints = {
    completed: colors.green,
    snoozed: colors.blue,
    failed: colors.yellow,
    dead: colors.red,
    refused: colors.red,
  };
  return paints[outcome];
}

function again({ runAt }: Line, now: number): string {
  return runAt ? `runs again ${fromNow(runAt, now)}` : "";
}

function took(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  return ms < 100_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

function reasonOf({ name, message }: { readonly name: string; readonly message: string }): string {
  return printable(message === "" ? name : `${name}: ${message}`);
}
