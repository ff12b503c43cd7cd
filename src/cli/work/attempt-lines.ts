import stringWidth from "string-width";
import type { DrainedAttempt } from "../../core/drain/report.ts";
import type { AttemptInfo } from "../../core/job/attempt-info.ts";
import { describeError } from "../../core/job/record.ts";
import type { Hooks } from "../../core/observe/hooks.ts";
import type { Clock } from "../../core/shared/clock.ts";
import { shortId } from "../../core/shared/id.ts";
import { errorText } from "../output/cells.ts";
import { cut, wrap } from "../output/table.ts";
import { printable, toJson } from "../output/text.ts";
import { brief, fromNow } from "../output/time.ts";
import type { Session } from "../session.ts";
import type { Display } from "./display.ts";

interface Attempt extends Omit<DrainedAttempt, "queue" | "maxRetries" | "ranMs"> {
  readonly maxRetries: number | undefined;
  readonly ranMs: number | undefined;
}

type Outcome = DrainedAttempt["outcome"];

const shown: Readonly<Record<Outcome, readonly [word: string, color: "green" | "blue" | "yellow" | "red"]>> = {
  completed: ["completed", "green"],
  snoozed: ["snoozed", "blue"],
  retried: ["failed", "yellow"],
  dead: ["dead", "red"],
  expired: ["expired", "yellow"],
  lost: ["refused", "red"],
};

/** Returns a function that prints a line for an attempt: outcome, job, number, duration, and error. */
export function attemptPrinter(display: Display, session: Session): (attempt: Attempt) => void {
  const text = session.isJson ? jsonLine : textLine(session);
  return (attempt) => display.line(text(attempt), attempt.endedAt);
}

const errorOf = ({ outcome, error }: Attempt): Attempt["error"] =>
  outcome === "lost" ? { name: "LeaseExpired", message: "its lease had expired before it ended" } : error;

function jsonLine(ended: Attempt): string {
  const { endedAt, name, id, attempt, maxRetries, ranMs, runAt } = ended;
  const error = errorOf(ended);
  const reason = error && { name: error.name, message: error.message };
  const [outcome] = shown[ended.outcome];
  return toJson({ at: endedAt, outcome, name, id, attempt, maxRetries, ranMs, runAt, error: reason });
}

const WIDEST_NAME = 24;
const BELOW = { indent: 10, lines: 4 } as const;

/** On a terminal in columns, with the error of an attempt below it; else a line with the whole id. */
function textLine(session: Session): (ended: Attempt) => string {
  const { colors, width } = session;
  let widest = 0;
  return (ended) => {
    const { outcome, attempt, maxRetries, ranMs, runAt } = ended;
    const error = errorOf(ended);
    const [word, color] = shown[outcome];
    const took = ranMs === undefined ? "" : brief(ranMs);
    const again = runAt ? `runs again ${fromNow(runAt, session.now)}` : "";
    const reason = error ? printable(errorText(error)) : "";
    const number = maxRetries === undefined ? `attempt ${attempt}` : `attempt ${attempt} of ${maxRetries + 1}`;
    if (!width) {
      const head = `${colors[color](word)} ${printable(ended.name)} ${printable(ended.id)} ${number}`;
      return [[head, took, again].filter(Boolean).join(", "), reason].filter(Boolean).join(": ");
    }
    const name = cut(printable(ended.name), WIDEST_NAME);
    widest = Math.max(widest, stringWidth(name));
    const cells = [
      colors.dim(ended.endedAt.toLocaleTimeString("en-GB")),
      colors[color](word.padEnd("completed".length)),
      name + " ".repeat(widest - stringWidth(name)),
      colors.dim(cut(printable(shortId(ended.id)), 8)),
      took.padStart("999ms".length),
      number,
    ];
    const below = wrap([again, reason].filter(Boolean).join(": "), width - BELOW.indent, BELOW.lines);
    return [cells.join("  "), ...below.map((each) => " ".repeat(BELOW.indent) + colors[color](each))].join("\n");
  };
}

/** Hooks that print a line for each attempt that ends in this process. */
export function printing({ clock, print }: { readonly clock: Clock; print(attempt: Attempt): void }): Hooks {
  type Ended = AttemptInfo & { readonly ranMs?: number; readonly runAt?: Date; readonly error?: unknown };
  const as = (outcome: Outcome) => (event: Ended) => {
    const { id, name, attempt, maxRetries, ranMs, runAt } = event;
    const error = event.error !== undefined && { error: describeError(event.error) };
    const ended = { id, name, attempt, maxRetries, ranMs, outcome, endedAt: new Date(clock()) };
    print({ ...ended, ...(runAt && { runAt }), ...error });
  };
  const ends = { onComplete: as("completed"), onSnooze: as("snoozed"), onRetry: as("retried"), onDead: as("dead") };
  return { ...ends, onExpire: as("expired"), onLost: as("lost") };
}
