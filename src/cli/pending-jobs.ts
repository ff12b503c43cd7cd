import { read } from "../client/transport.ts";
import type { PendingSelection, PendingState } from "../core/manage/selection.ts";
import type { Queue } from "../core/queue/queue.ts";
import { type Duration, type PointInTime, readDuration } from "../core/shared/duration.ts";
import { pagesOf } from "../core/shared/pages.ts";
import type { JobState } from "../core/store/store.ts";
import { type Change, describeSelection } from "./change-jobs.ts";
import { counted } from "./output/text.ts";
import { fromNow, moment } from "./output/time.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";
import { UsageError } from "./usage-error.ts";

export type PendingAction =
  | { readonly verb: "cancel" }
  | { readonly verb: "move"; readonly to: PointInTime | Duration };

interface Given {
  readonly name?: string | undefined;
  readonly state?: JobState | undefined;
  readonly all?: true | undefined;
}

/** Reads which waiting jobs to act on. @throws {UsageError} without a name or --all, or for another state */
export function readPendingSelection(flag: string, { name, state, all }: Given): PendingSelection {
  if (name === undefined && !all)
    throw new UsageError(`${flag} needs to know which jobs.`, "Give the ID of one, or --name NAME, or --all.");
  if (state !== undefined && state !== "scheduled" && state !== "ready")
    throw new UsageError(
      `${flag} is for jobs that wait.`,
      "Give --state scheduled or ready, or leave it out for both.",
    );
  const which: { readonly state?: PendingState } = state === undefined ? {} : { state };
  return name === undefined ? { all: true, ...which } : { name, ...which };
}

/** An action on the waiting jobs of a selection. */
export function pendingChange(
  target: Target,
  action: PendingAction,
  selection: PendingSelection,
  session: Session,
): Change {
  const isCancel = action.verb === "cancel";
  const past = isCancel ? "removed" : "moved";
  const calls = pendingCalls(target);
  let runAt: Date | undefined;
  const goThrough = async (dryRun: boolean, progress: (done: number) => void = () => {}) => {
    const line = session.liveLine();
    let done = 0;
    runAt = undefined;
    const change = async (cursor: string | undefined) => {
      if (action.verb === "cancel") return calls.cancelPending(selection, { dryRun, cursor });
      return calls.reschedulePending(selection, runAt ?? action.to, { dryRun, cursor });
    };
    try {
      for await (const reply of pagesOf(change)) {
        done += "cancelled" in reply ? reply.cancelled : reply.rescheduled;
        if ("runAt" in reply) runAt = reply.runAt;
        progress(done);
        if (reply.cursor !== null) line.show(`${counted(done, "job")} ${dryRun ? "found" : "done"}`);
      }
    } finally {
      line.clear();
    }
    return done;
  };
  return {
    would: () => (isCancel ? "be removed" : `run ${timeOf(runAt, session)}`),
    question(size) {
      const jobs = describeSelection(selection, size, ("state" in selection && selection.state) || "waiting");
      return isCancel ? `remove ${jobs} for good` : `move ${jobs}`;
    },
    isFinal: isCancel,
    noun: "waiting job",
    past,
    document: (size) => (isCancel ? { cancelled: size } : { rescheduled: size, ...(runAt && { runAt }) }),
    outcome(size) {
      const jobs = counted(size, "waiting job");
      return isCancel
        ? `Removed ${jobs}.`
        : `Moved ${jobs}: ${size === 1 ? "it runs" : "they run"} ${timeOf(runAt, session)}.`;
    },
    nothing: "No matching jobs wait.",
    count: () => goThrough(true),
    apply: (progress) => goThrough(false, progress),
  };
}

function timeOf(runAt: Date | undefined, { now }: Session): string {
  return runAt && runAt.getTime() > now ? `${fromNow(runAt, now)} (${moment(runAt)})` : "with the next drain";
}

function pendingCalls(target: Target): Pick<Queue, "cancelPending" | "reschedulePending"> {
  if (target.kind !== "handler") return target.queue;
  const post = async (path: string, body: object) => target.send("POST", path, JSON.stringify(body));
  return {
    cancelPending: (selection, options) => read("cancelled", post("/jobs/cancel", { ...selection, ...options })),
    async reschedulePending(selection, to, options) {
      const isDuration = typeof to === "string" && !Number.isNaN(readDuration(to));
      const when = isDuration ? { delay: to } : { runAt: to };
      return read("rescheduled", post("/jobs/reschedule", { ...selection, ...options, ...when }));
    },
  };
}
