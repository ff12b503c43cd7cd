import { waitingScore } from "../../core/store/score.ts";
import type { QueueStore } from "../../core/store/store.ts";
import { type Caller, flag } from "./caller.ts";
import { newFlowText } from "./flow.ts";
import { scripts } from "./scripts.generated.ts";
import { deadJobs } from "./stored-job.ts";

export function deadJobCalls(caller: Caller): Pick<QueueStore, "findDead" | "retryDead" | "removeDead"> {
  return {
    async findDead(ids, mostBytes) {
      if (ids.length === 0) return { jobs: [], rest: [] };
      const [read, ...rest] = await caller.texts(scripts.findDead, [String(mostBytes), ...ids]);
      return { jobs: deadJobs(rest), rest: ids.slice(Number(read)) };
    },
    async retryDead(retries, now) {
      if (retries.length === 0) return [];
      const rest = retries.flatMap(({ id, deadSince, runAt, claims, record, flow }) => [
        ...[id, String(deadSince), String(waitingScore(runAt, claims)), record],
        newFlowText(flow),
      ]);
      return caller.areDone(scripts.retryDead, (isResend) => [flag(isResend), String(now), ...rest]);
    },
    async removeDead(ids) {
      return ids.length === 0 ? 0 : caller.number(scripts.removeDead, ids);
    },
  };
}
