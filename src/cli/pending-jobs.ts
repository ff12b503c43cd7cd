import { connect, read } from "../client/transport.ts";
import type { PendingSelection, PendingState } from "../core/manage/pending-jobs.ts";
import type { Queue } from "../core/queue/queue.ts";
import { type Duration, type PointInTime, readDuration } from "../core/shared/duration.ts";
import type { JobState } from "../core/store/store.ts";
import { fetchWithTimeout } from "./fetch-with-timeout.ts";
import { count, counted, printable } from "./output/text.ts";
import { fromNow, moment } from "./output/time.ts";
import { PartlyDone } from "./partly-done.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";
import { UsageError } from "./usage-error.ts";

/** What to do with waiting jobs: remove them, or run them at another time. */
export type PendingAction =
  | { readonly verb: "cancel" }
  | { readonly verb: "move"; readonly to: PointInTime | Duration };

interface Given {
  readonly name?: string | undefined;
  readonly state?: JobState | undefined;
  readonly all?: true | undefined;
}

/** Reads which waiting jobs to act on. @throws {UsageError} unless a name or all are chosen, of a state in which jobs wait. */
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

/** Removes or moves the waiting jobs of a selection, after a question. With `dryRun` it only counts them. */
export async function changePending(
  target: Target,
  action: PendingAction,
  selection: PendingSelection,
  { dryRun, yes }: { readonly dryRun?: true | undefined; readonly yes?: true | undefined },
  session: Session,
): Promise<void> {
  const isCancel = action.verb === "cancel";
  if (dryRun) {
    const { done, runAt } = await apply(target, action, selection, true, session);
    const would = `${counted(done, "waiting job")} would ${isCancel ? "be removed" : `run ${timeOf(runAt, session)}`}.`;
    return session.print({ ...resultOf(action, done, runAt), dryRun: true }, () => would);
  }
  const question = async () => {
    const { done } = await apply(target, action, selection, true, session);
    const what = describe(selection, done);
    return done > 0 ? `${target.label}: ${isCancel ? `remove ${what} for good` : `move ${what}`}?` : undefined;
  };
  // To move jobs loses nothing, so without a terminal it needs no confirmation.
  const isSure = yes || (!isCancel && !session.canAsk);
  const isWanted = isCancel ? await session.confirm(question, yes) : isSure || (await session.ask(question));
  const { done, runAt } = isWanted
    ? await apply(target, action, selection, false, session)
    : { done: 0, runAt: undefined };
  session.print(resultOf(action, done, runAt), () => {
    if (done === 0) return "No matching jobs wait.";
    const jobs = counted(done, "waiting job");
    return isCancel
      ? `Removed ${jobs}.`
      : `Moved ${jobs}: ${done === 1 ? "it runs" : "they run"} ${timeOf(runAt, session)}.`;
  });
}

function resultOf({ verb }: PendingAction, done: number, runAt: Date | undefined) {
  return verb === "cancel" ? { cancelled: done } : { rescheduled: done, ...(runAt && { runAt }) };
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

/** Goes through a selection, a call at a time, and shows how far it is. @throws {PartlyDone} if a call fails after others changed jobs. */
async function apply(
  target: Target,
  action: PendingAction,
  selection: PendingSelection,
  dryRun: boolean,
  session: Session,
): Promise<{ readonly done: number; readonly runAt: Date | undefined }> {
  const line = session.liveLine();
  const queue = pendingCalls(target, session);
  let done = 0;
  let runAt: Date | undefined;
  let cursor: string | undefined;
  try {
    do {
      const options = { dryRun, cursor };
      if (action.verb === "cancel") {
        const answer = await queue.cancelPending(selection, options);
        done += answer.cancelled;
        cursor = answer.cursor ?? undefined;
      } else {
        const answer = await queue.reschedulePending(selection, runAt ?? action.to, options);
        done += answer.rescheduled;
        runAt = answer.runAt;
        cursor = answer.cursor ?? undefined;
      }
      if (cursor !== undefined) line.show(`${counted(done, "job")} ${dryRun ? "found" : "done"}`);
    } while (cursor !== undefined);
  } catch (error) {
    if (dryRun || done === 0) throw error;
    const jobs = `${counted(done, "job")} had been ${action.verb === "cancel" ? "removed" : "moved"} before.`;
    throw new PartlyDone(jobs, resultOf(action, done, runAt), error);
  } finally {
    line.clear();
  }
  return { done, runAt };
}

/** The calls of a queue, or of its handler: `QueueClient`, which is to be small, has none of them. */
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
