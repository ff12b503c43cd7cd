import { leaseScore, unpack, waitingScore } from "../../core/store/score.ts";
import type { EnqueueReply, NewJob, QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { newFlowText } from "./flow.ts";
import * as scripts from "./scripts.generated.ts";

export function enqueueCalls(caller: Caller) {
  return {
    async enqueue(jobs, now) {
      if (jobs.length === 0) return [];
      const args = { now, nonce: caller.newNonce(), list: jobs.map(jobRow) };
      const reply = await caller.send(scripts.enqueue, (resend) => ({ ...args, resend }));
      const isEmptied = isLost(caller, reply.wasUsed);
      const replies = reply.jobs.map((row, index) => enqueueReply(jobs[index] as NewJob, row, now));
      return isEmptied ? replies.map((reply) => ({ ...reply, isEmptied })) : replies;
    },
  } satisfies Partial<QueueStore>;
}

/** Whether the queue has lost the mark that this process has stored or seen. */
function isLost({ connection: { used }, keys: { due } }: Caller, wasUsed: boolean | undefined): boolean {
  const isEmptied = wasUsed === false && used.has(due);
  if (wasUsed !== undefined) used.add(due);
  return isEmptied;
}

function jobRow(job: NewJob) {
  const { id, isFreshId, runAt, record, leaseEndsAt, dedupe, flow, keepsLimits } = job;
  return {
    ...{ id, fresh: isFreshId, score: waitingScore(runAt), record },
    lease: leaseEndsAt === undefined ? undefined : leaseScore({ endsAt: leaseEndsAt, claims: 1 }),
    ...{ dedupe: dedupe?.key ?? "", window: dedupe?.ttlMs, replaces: dedupe?.replaces ?? "" },
    flow: newFlowText(flow, keepsLimits),
  };
}

type Row = ReturnType<typeof scripts.enqueue.read>["jobs"][number];

function enqueueReply(job: NewJob, { status, id, score, isLeased, order }: Row, now: number): EnqueueReply {
  const position = score === undefined ? undefined : unpack(score);
  if (status === "duplicate")
    return { status, id, runAt: position?.isLeased ? undefined : position?.at, lease: undefined };
  const flow = job.flow && { ...job.flow, order: Number(order) };
  const lease =
    isLeased && position
      ? { id, claims: position.claims, endsAt: position.at, ...(flow && { flow, claimedAt: now }) }
      : undefined;
  return { status, id, runAt: job.runAt, lease };
}
