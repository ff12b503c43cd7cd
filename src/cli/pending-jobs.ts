import { connect, read } from "../client/transport.ts";
import type { PendingSelection, PendingState } from "../core/manage/selection.ts";
import type { Queue } from "../core/queue/queue.ts";
import { type Duration, type PointInTime, readDuration } from "../core/shared/duration.ts";
import { pagesOf } from "../core/shared/pages.ts";
import type { JobState } from "../core/store/store.ts";
import type { Change } from "./change-jobs.ts";
import { fetchWithTimeout } from "./fetch-with-timeout.ts";
import { count, counted, printable } from "./output/text.ts";
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
  const calls = pendingCalls(target, session);
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
    question: (size) =>
      isCancel ? `remove ${describe(selection, size)} for good` : `move ${describe(selection, size)}`,
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

/** "all 5,000 waiting jobs", "3 ready jobs named send_email" */
function describe(selection: PendingSelection, size: number): string {
  const state = "state" in selection ? selection.state : undefined;
  const jobs = `${count(size)} ${state ?? "waiting"} ${size === 1 ? "job" : "jobs"}`;
  if ("all" in selection) return `all ${jobs}`;
  return "name" in selection ? `${jobs} named ${printable(selection.name)}` : jobs;
}

/** These calls for a queue or a handler. `QueueClient` does not have them, to stay small. */
function pendingCalls(target: Target, { io }: Session): Pick<Queue, "cancelPending" | "reschedulePending"> {
  if (target.kind !== "handler") return target.queue;
  const { url, token } = target;
  const send = connect({ url, ...(token && { token }), fetch: fetchWithTimeout(io) });
  return {
    cancelPending: async (selection, options) =>
      read("cancelled", await send("POST", "/jobs/cancel", JSON.stringify({ ...selection, ...options }))),
    async reschedulePending(selection, to, options) {
      const isDuration = typeof to === "string" && !Number.isNaN(readDuration(to));
      const body = { ...selection, ...options, ...(isDuration ? { delay: to } : { runAt: to }) };
      return read("rescheduled", await send("POST", "/jobs/reschedule", JSON.stringify(body)));
    },
  };
}
