import { leaseScore, unpack, waitingScore } from "../../core/store/score.ts";
import type { EnqueueReply, EnqueueStatus, NewJob, QueueStore } from "../../core/store/store.ts";
import { type Caller, flag, rowsOf, textsOf } from "./caller.ts";
import { newFlowText } from "./flow.ts";
import { loneEnqueue, loneJob } from "./lone-enqueue.ts";
import * as scripts from "./scripts.generated.ts";

/** How many values enqueue.lua returns for each job. */
const VALUES = 5;

export function enqueueCalls(caller: Caller): Pick<QueueStore, "enqueue"> {
  return {
    async enqueue(jobs, now) {
      if (jobs.length === 0) return [];
      const nonce = String(caller.newNonce());
      const rest = jobs.flatMap(jobArguments);
      const args = (isResend: boolean) => [String(now), flag(isResend), nonce, ...rest];
      const lone = caller.connection.keepsOrder ? loneJob(jobs) : undefined;
      const stored = lone && (await storeLone(caller, lone, args));
      if (stored === "stored")
        return jobs.map(({ id, runAt }) => ({ status: "enqueued", id, runAt, lease: undefined }));
      const rows = rowsOf(textsOf(stored?.reply ?? (await caller.values(scripts.enqueue, args))), VALUES);
      return jobs.map((job, index) => enqueueReply(job, rows[index] ?? [], now));
    },
  };
}

/** Stores a job by plain commands, or by the script: then it returns the reply. Undefined if the job exists. */
async function storeLone(caller: Caller, job: NewJob, args: (isResend: boolean) => readonly string[]) {
  const sent = await caller.inPlace(loneEnqueue(job, caller.keys), scripts.enqueue, args);
  if ("reply" in sent) return sent;
  return Number(sent.replies[1]) > 0 ? ("stored" as const) : undefined;
}

function jobArguments(job: NewJob): readonly string[] {
  const { id, isFreshId, runAt, record, leaseEndsAt, dedupe, flow, keepsLimits } = job;
  return [
    ...[id, flag(isFreshId), String(waitingScore(runAt)), record],
    leaseEndsAt === undefined ? "" : String(leaseScore({ endsAt: leaseEndsAt, claims: 1 })),
    ...[dedupe?.key ?? "", String(dedupe?.ttlMs ?? ""), dedupe?.replaces ?? ""],
    newFlowText(flow, keepsLimits),
  ];
}

function enqueueReply(
  job: NewJob,
  [status, id = "", score = "", held, order]: readonly string[],
  now: number,
): EnqueueReply {
  const position = score === "" ? undefined : unpack(Number(score));
  if (status === "duplicate")
    return { status, id, runAt: position?.isLeased ? undefined : position?.at, lease: undefined };
  const flow = job.flow && { ...job.flow, order: Number(order) };
  const lease =
    held !== "" && position
      ? {
          ...{ id, claims: position.claims, endsAt: position.at },
          ...(flow && { flow, claimedAt: now }),
          ...(held === "born" && { bornAs: job.record }),
        }
      : undefined;
  return { status: status as EnqueueStatus, id, runAt: job.runAt, lease };
}
