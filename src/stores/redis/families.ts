import {
  type FamilyStatus,
  familyNumber,
  LOOK_MS,
  type NewFamily,
  type NewMember,
  parentOf,
} from "../../core/store/family.ts";
import { waitingScore } from "../../core/store/score.ts";
import type { QueueStore } from "../../core/store/store.ts";
import { type Caller, flag, rowsOf, textsOf } from "./caller.ts";
import { newFlowText } from "./flow.ts";
import { parentHead } from "./parent-head.ts";
import * as scripts from "./scripts.generated.ts";
import { deadJob, dueJob } from "./stored-job.ts";

export function familyCalls(caller: Caller): Pick<QueueStore, "enqueueFamily"> {
  return {
    async enqueueFamily(family, now) {
      const rest = familyArguments(family, now);
      const reply = await caller.values(scripts.enqueueFamily, (isResend) => [String(now), flag(isResend), ...rest]);
      const [status, place, time] = textsOf(reply);
      return {
        status: status as FamilyStatus,
        ...(place !== undefined && { rest: { from: Number(place), since: Number(time) } }),
      };
    },
  };
}

export function findEachCalls(caller: Caller): Pick<QueueStore, "findEach"> {
  return {
    async findEach(ids, mostBytes, now) {
      if (ids.length === 0) return { jobs: [], rest: [] };
      const [read, ...values] = await caller.texts(scripts.findEach, [String(mostBytes), ...ids]);
      const jobs = rowsOf(values, 4).map(([id = "", set, score, record = ""]) => {
        if (set === "done") return { id, state: "completed" as const, record, at: 0, claims: 0 };
        return set === "due" ? dueJob(id, Number(score), record, now) : deadJob(id, Number(score), record);
      });
      return { jobs, rest: ids.slice(Number(read)) };
    },
  };
}

function familyArguments({ id, isFreshId, job, from, to, total, since, waitFor, children }: NewFamily, now: number) {
  return [
    ...[id, String(familyNumber(id)), flag(isFreshId), String(from), String(to), String(total), String(since ?? "")],
    job ? parentHead(id, { waitFor, total }, job.runAt, now) : "",
    job?.record ?? "",
    job ? flowText(job) : "",
    ...children.flatMap((child) => memberArguments(child, now)),
  ];
}

function memberArguments(child: NewMember, now: number): readonly string[] {
  const { id, runAt, record, parent } = child;
  return [
    ...[id, String(waitingScore(parent ? now + LOOK_MS : runAt))],
    parent ? parentHead(id, parent, runAt, now) : "",
    ...[record, String(familyNumber(parentOf(id) ?? "")), flowText(child)],
  ];
}

function flowText({ flow, keepsLimits }: Pick<NewMember, "flow" | "keepsLimits">): string {
  return newFlowText(flow) + (flow && keepsLimits ? "=" : "");
}
