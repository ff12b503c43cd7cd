import stringWidth from "string-width";
import type { DrainedAttempt } from "../../core/drain/report.ts";
import type { AttemptInfo } from "../../core/job/attempt-info.ts";
import { describeError } from "../../core/job/record.ts";
import type { Hooks } from "../../core/observe/hooks.ts";
import type { Clock } from "../../core/shared/clock.ts";
import { shortId } from "../../core/shared/id.ts";
import { errorText } from "../output/cells.ts";
import { cut, wrap } from "../output/table.ts";
import { type Colors, printable, toJson } from "../output/text.ts";
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

const paint = (text: string, outcome: Outcome, colors: Colors) => colors[shown[outcome][1]](text);

/** Returns a function that prints a line for an attempt: outcome, job, number, duration, and error. */
export function attemptPrinter(display: Display, session: Session): (attempt: Attempt) => void {
  const { width } = session;
  const plain = width ? columns(session, width) : (attempt: Attempt) => plainLine(attempt, session);
  const text = session.isJson ? jsonLine : plain;
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

function plainLine(ended: Attempt, { now, colors }: Session): string {
  const { outcome, name, id, attempt, maxRetries, ranMs } = ended;
  const error = errorOf(ended);
  const number = maxRetries === undefined ? attempt : `${attempt} of ${maxRetries + 1}`;
  const parts = [`attempt ${number}`, took(ranMs), again(ended, now)].filter(Boolean);
  const head = `${paint(shown[outcome][0], outcome, colors)} ${printable(name)} ${printable(id)} ${parts.join(", ")}`;
  return error ? `${head}: ${printable(errorText(error))}` : head;
}

const WIDEST_NAME = 24;
const INDENT = 10;
const MOST_LINES_BELOW = 4;

/** Lines in columns, for a terminal. The error of an attempt is below it. */
function columns(session: Session, width: number): (ended: Attempt) => string {
  const { colors } = session;
  let widest = 0;
  return (ended) => {
    const { outcome, attempt, maxRetries, ranMs } = ended;
    const error = errorOf(ended);
    const name = cut(printable(ended.name), WIDEST_NAME);
    widest = Math.max(widest, stringWidth(name));
    const cells = [
      colors.dim(ended.endedAt.toLocaleTimeString("en-GB")),
      paint(shown[outcome][0].padEnd("completed".length), outcome, colors),
      name + " ".repeat(widest - stringWidth(name)),
      colors.dim(cut(printable(shortId(ended.id)), 8)),
      took(ranMs).padStart("999ms".length),
      maxRetries === undefined ? `attempt ${attempt}` : `${attempt}/${maxRetries + 1}`,
    ];
    const reason = [again(ended, session.now), error && printable(errorText(error))].filter(Boolean).join(": ");
    const below = wrap(reason, width - INDENT, MOST_LINES_BELOW);
    return [cells.join("  "), ...below.map((each) => " ".repeat(INDENT) + paint(each, outcome, colors))].join("\n");
  };
}

const again = ({ runAt }: Attempt, now: number) => (runAt ? `runs again ${fromNow(runAt, now)}` : "");
const took = (ms: number | undefined) => (ms === undefined ? "" : brief(ms));

/** Hooks that print a line for each attempt that ends in this process. */
export function printing({ clock, print }: { readonly clock: Clock; print(attempt: Attempt): void }): Hooks {
  const ended = ({ queue, id, name, attempt, maxRetries, ranMs }: AttemptInfo & { readonly ranMs?: number }) => ({
    ...{ queue, id, name, attempt, maxRetries, ranMs },
    endedAt: new Date(clock()),
  });
  return {
    onComplete: (event) => print({ ...ended(event), outcome: "completed" }),
    onSnooze: (event) => print({ ...ended(event), outcome: "snoozed", runAt: event.runAt }),
    onRetry: (event) =>
      print({ ...ended(event), outcome: "retried", runAt: event.runAt, error: describeError(event.error) }),
    onDead: (event) => print({ ...ended(event), outcome: "dead", error: describeError(event.error) }),
    onExpire: (event) => print({ ...ended(event), outcome: "expired" }),
    onLost: (event) => print({ ...ended(event), outcome: "lost" }),
  };
}
