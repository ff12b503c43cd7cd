import { describeError } from "../../core/job/record.ts";
import type { CompleteEvent, Hooks } from "../../core/observe/hooks.ts";
import { printable } from "../output/text.ts";
import { fromNow } from "../output/time.ts";
import type { Session } from "../session.ts";
import type { Display } from "./display.ts";

/** Hooks that print a line for each attempt: outcome, job, number, duration, and why it failed. */
export function jobLines(display: Display, session: Session): Hooks {
  const { green, yellow, red, dim } = session.colors;
  const print = (outcome: string, { name, id, attempt, ranMs }: CompleteEvent, more = "") =>
    display.line(`${outcome} ${printable(name)} ${dim(printable(id))} attempt ${attempt}, ${took(ranMs)}${more}`);
  const again = (runAt: Date) => `, runs again ${fromNow(runAt, session.now)}`;
  return {
    onComplete: (event) => print(green("completed"), event),
    onSnooze: (event) => print("snoozed", event, again(event.runAt)),
    onRetry: (event) => print(yellow("failed"), event, `${again(event.runAt)}: ${reasonOf(event.error)}`),
    onDead: (event) => print(red("dead"), event, `: ${reasonOf(event.error)}`),
    onLost: (event) => print(red("refused"), event, ": its lease had expired"),
  };
}

function took(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function reasonOf(error: unknown): string {
  const { name, message } = describeError(error);
  return printable(message === "" ? name : `${name}: ${message}`);
}
