import { describeError } from "../../core/job/record.ts";
import type { CompleteEvent, Hooks } from "../../core/observe/hooks.ts";
import type { WorkContext } from "./context.ts";

/** Hooks that print a line for each attempt that ends in this process. */
export function printing({ clock, print }: Pick<WorkContext, "clock" | "print">): Hooks {
  const ended = ({ queue, id, name, attempt, maxRetries, ranMs }: CompleteEvent) => ({
    ...{ queue, id, name, attempt, maxRetries, ranMs },
    endedAt: new Date(clock()),
  });
  return {
    onComplete: (event) => print({ ...ended(event), outcome: "completed" }),
    onSnooze: (event) => print({ ...ended(event), outcome: "snoozed", runAt: event.runAt }),
    onRetry: (event) =>
      print({ ...ended(event), outcome: "retried", runAt: event.runAt, error: describeError(event.error) }),
    onDead: (event) => print({ ...ended(event), outcome: "dead", error: describeError(event.error) }),
    onLost: (event) => print({ ...ended(event), outcome: "lost" }),
  };
}
