import type { SchedulePut } from "../../core/store/schedules.ts";
import { readScore, renewedScore, standingOf } from "../../core/store/score.ts";
import type { QueueStore } from "../../core/store/store.ts";
import { type Caller, rowsOf } from "./caller.ts";
import { readPlan, withPlan } from "./plan.ts";
import * as scripts from "./scripts.generated.ts";

export function scheduleCalls(
  caller: Caller,
): Pick<QueueStore, "putSchedule" | "findSchedule" | "listSchedules" | "removeSchedule" | "declare"> {
  const read = async (...keys: readonly string[]) => {
    const rows = rowsOf(await caller.texts(scripts.listSchedules, keys), 3);
    return rows.map(([key = "", record = "", score]) => ({
      key,
      ...readPlan(record),
      ...standingOf(score ? Number(score) : undefined),
    }));
  };
  return {
    putSchedule: (put) => caller.isDone(scripts.putSchedule, putArguments(put)),
    findSchedule: async (key) => (await read(key))[0],
    listSchedules: () => read(),
    removeSchedule: (key) => caller.isDone(scripts.removeSchedule, [key]),
    declare({ from = "", manifest, put, remove }) {
      const args = [from, manifest, String(put.length), ...put.flatMap(putArguments), ...remove];
      return caller.isDone(scripts.declare, args);
    },
  };
}

function putArguments(put: SchedulePut): string[] {
  return [put.key, withPlan(put), String(renewedScore(put)), String(readScore(put.from) ?? "")];
}
