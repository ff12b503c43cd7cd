import type { DrainReport } from "../../core/drain/report.ts";
import { systemClock } from "../../core/shared/clock.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { isIdle } from "../../worker/loop.ts";
import { toJson } from "../output/text.ts";
import { span } from "../output/time.ts";
import type { Session } from "../session.ts";
import { attemptPrinter } from "./attempt-lines.ts";
import type { Display } from "./display.ts";

export interface WorkOptions {
  /** How many jobs run at the same time. Default: 4 in this process, or the handler's own setting. */
  readonly workers: number | undefined;
  /** Whether to stop as soon as nothing is due. */
  readonly once: boolean;
  /** How long to sleep at most before the next poll, in ms. */
  readonly checkEvery: number;
}

export type WorkContext = ReturnType<typeof workContext>;

/** The options, when to stop, and where to report. @param signal aborts when no more jobs may start. */
export function workContext(options: WorkOptions, signal: AbortSignal, display: Display, session: Session) {
  return {
    ...options,
    ...{ signal, clock: session.io.clock ?? systemClock, display, print: attemptPrinter(display, session) },
    /** Whether `--once` has finished. */
    isDone(report: DrainReport): boolean {
      return signal.aborted || report.stoppedBy === "paused" || !report.backlog || isIdle(report);
    },
    /** Reports a failure that will be retried. Hides the messages of foreign errors, which may contain secrets. */
    reportFailure(error: unknown, retryInMs: number): void {
      const [code, message] = isTidegateError(error)
        ? [error.code, session.messageOf(error)]
        : ["internal_error", "An error was thrown."];
      if (session.isJson) session.io.stderr.write(`${toJson({ error: { code, message } })}\n`);
      else display.note(`${message} Retrying in ${span(Math.max(retryInMs, 1_000))}.`);
    },
  };
}
