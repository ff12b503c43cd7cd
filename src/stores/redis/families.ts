import type { FamilyCounts, FamilyStatus, NewMember } from "../../core/store/family.ts";
import { WAITS_FOR_CHILDREN_AT, waitingScore } from "../../core/store/score.ts";
import type { QueueStore } from "../../core/store/store.ts";
import { type Caller, flag, rowsOf } from "./caller.ts";
import { newFlowText } from "./flow.ts";
import * as scripts from "./scripts.generated.ts";
import { deadJob, dueJob } from "./stored-job.ts";

export function familyCalls(caller: Caller): Pick<QueueStore, "enqueueFamily" | "findEach"> {
  return {
    async enqueueFamily({ isFreshId, members }, now) {
      const rest = members.flatMap((member) => memberArguments(member, now));
      const args = (isResend: boolean) => [String(now), flag(isResend), flag(isFreshId), ...rest];
      return String(await caller.values(scripts.enqueueFamily, args)) as FamilyStatus;
    },
    async findEach(ids, mostBytes, now, onlyDead = false) {
      if (ids.length === 0) return { jobs: [], rest: [] };
      const [read, ...values] = await caller.texts(scripts.findEach, [String(mostBytes), flag(onlyDead), ...ids]);
      const jobs = rowsOf(values, 4).map(([id = "", set, score, record = ""]) => {
        if (set === "done") return { id, state: "completed" as const, record, at: 0, claims: 0 };
        return set === "due" ? dueJob(id, Number(score), record, now) : deadJob(id, Number(score), record);
      });
      return { jobs, rest: ids.slice(Number(read)) };
    },
  };
}

/** A job that may have children, in the arguments of scripts. */
export function memberArguments(member: NewMember, now: number): readonly string[] {
  const { id, runAt, record, flow, keepsLimits, parent } = member;
  const score = waitingScore(parent ? WAITS_FOR_CHILDREN_AT : runAt);
  return [id, String(score), record, newFlowText(flow, keepsLimits), parent ? familyText(member, now) : ""];
}

/** What a parent waits for, as lua/_families.lua says. */
function familyText({ runAt, parent }: NewMember, now: number): string {
  const waitsFor = parent?.waitFor === "completed" ? "c" : "e";
  // A run time that is not in the future does not count, even by a clock that is behind this one.
  return [parent?.total, 0, 0, 0, waitsFor, runAt > now ? runAt : 0].join(":");
}

export function readCounts(family: string): FamilyCounts {
  const [pending = 0, completed = 0, dead = 0, dropped = 0] = family.split(":", 4).map(Number);
  return { pending, completed, dead, dropped };
}
