import type { SchedulePut } from "../../core/store/schedules.ts";
import { readScore, renewedScore, standingOf } from "../../core/store/score.ts";
import type { QueueStore } from "../../core/store/store.ts";
import { type Caller, rowsOf } from "./caller.ts";
import { readPlan, withPlan } from "./plan.ts";
import * as scripts from "./scripts.generated.ts";

export function scheduleCalls(caller: Caller): Pick<QueueStore, "listSchedules" | "changeSchedules"> {
  return {
    async listSchedules(key) {
      const rows = rowsOf(await caller.texts(scripts.listSchedules, key === undefined ? [] : [key]), 3);
      return rows.map(([key = "", record = "", score]) => ({
        key,
        ...readPlan(record),
        ...standingOf(score ? Number(score) : undefined),
      }));
    },
    changeSchedules({ put = [], remove = [], manifest: { from = "", to = "" } = {} }) {
      const args = [from, to, String(put.length), ...put.flatMap(putArguments), ...remove];
      return caller.isDone(scripts.changeSchedules, args);
    },
  };
}

function putArguments(put: SchedulePut): string[] {
  return [put.key, withPlan(put), String(renewedScore(put)), String(readScore(put.from) ?? "")];
}
