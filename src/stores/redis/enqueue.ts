import { leaseScore, unpack, waitingScore } from "../../core/store/score.ts";
import type { EnqueueReply, EnqueueStatus, NewJob, QueueStore } from "../../core/store/store.ts";
import { type Caller, flag, rowsOf, textsOf } from "./caller.ts";
import { newFlowText } from "./flow.ts";
import * as scripts from "./scripts.generated.ts";

/** How many values enqueue.lua returns for each job, after the first one. */
const VALUES = 5;

export function enqueueCalls(caller: Caller): Pick<QueueStore, "enqueue"> {
  return {
    async enqueue(jobs, now) {
      if (jobs.length === 0) return [];
      const nonce = String(caller.newNonce());
      const rest = jobs.flatMap(jobArguments);
      const args = (isResend: boolean) => [String(now), flag(isResend), nonce, ...rest];
      const [mark, ...values] = textsOf(await caller.values(scripts.enqueue, args));
      const isEmptied = isLost(caller, mark);
      const replies = rowsOf(values, VALUES).map((row, index) => enqueueReply(jobs[index] as NewJob, row, now));
      return isEmptied ? replies.map((reply) => ({ ...reply, isEmptied })) : replies;
    },
  };
}

/** Whether the queue has lost the mark that this process has stored or seen. */
function isLost({ connection: { used }, keys: { due } }: Caller, mark: string | undefined): boolean {
  const isEmptied = mark === "0" && used.has(due);
  if (mark !== "") used.add(due);
  return isEmptied;
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
    held === "1" && position
      ? { id, claims: position.claims, endsAt: position.at, ...(flow && { flow, claimedAt: now }) }
      : undefined;
  return { status: status as EnqueueStatus, id, runAt: job.runAt, lease };
}
