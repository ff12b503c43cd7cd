import type { FamilyCounts, NewMember } from "../../core/store/family.ts";
import { WAITS_FOR_CHILDREN_AT, waitingScore } from "../../core/store/score.ts";
import type { QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { newFlowText } from "./flow.ts";
import * as scripts from "./scripts.generated.ts";

export function familyCalls(caller: Caller) {
  return {
    async enqueueFamily({ isFreshId, members }, now) {
      const args = { now, fresh: isFreshId, list: members.map((member) => memberRow(member, now)) };
      return caller.send(scripts.enqueueFamily, (resend) => ({ ...args, resend }));
    },
  } satisfies Partial<QueueStore>;
}

export function memberRow(member: NewMember, now: number) {
  const { id, runAt, record, flow, keepsLimits, parent } = member;
  const score = waitingScore(parent ? WAITS_FOR_CHILDREN_AT : runAt);
  return { id, score, record, flow: newFlowText(flow, keepsLimits), family: parent ? familyText(member, now) : "" };
}

/** What a parent waits for, as lua/_families.lua says. */
function familyText({ runAt, parent }: NewMember, now: number): string {
  const waitsFor = { completed: "c", ended: "e" }[parent?.waitFor ?? "ended"];
  // A run time that is not in the future does not count, even by a clock that is behind this one.
  return [parent?.total, 0, 0, 0, waitsFor, runAt > now ? runAt : 0].join(":");
}

export function readCounts(family: string): FamilyCounts {
  const [pending = 0, completed = 0, dead = 0, dropped = 0] = family.split(":", 4).map(Number);
  return { pending, completed, dead, dropped };
}
