import type { AttemptInfo } from "../../core/job/attempt-info.ts";
import { describeError } from "../../core/job/record.ts";
import type { Hooks } from "../../core/observe/hooks.ts";
import type { WorkContext } from "./context.ts";

interface EndedEvent extends AttemptInfo {
  readonly ranMs?: number;
}

/** Hooks that print a line for each attempt that ends in this process. */
export function printing({ clock, print }: Pick<WorkContext, "clock" | "print">): Hooks {
  const ended = ({ queue, id, name, attempt, maxRetries, ranMs }: EndedEvent) => ({
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
