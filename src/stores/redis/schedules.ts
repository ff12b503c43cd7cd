import type { SchedulePlan, SchedulePut } from "../../core/store/schedules.ts";
import { readScore, renewedScore, standingOf } from "../../core/store/score.ts";
import type { QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import * as scripts from "./scripts.generated.ts";

export function scheduleCalls(caller: Caller) {
  return {
    async listSchedules(key) {
      const rows = await caller.run(scripts.listSchedules, { keys: key === undefined ? [] : [key] });
      return rows.map(({ key, record, score }) => ({ key, ...readPlan(record), ...standingOf(score) }));
    },
    changeSchedules({ put = [], remove = [], manifest: { from = "", to = "" } = {} }) {
      return caller.run(scripts.changeSchedules, { from, to, put: put.map(putRow), gone: remove });
    },
  } satisfies Partial<QueueStore>;
}

function putRow(put: SchedulePut) {
  return { key: put.key, record: withPlan(put), score: renewedScore(put), read: readScore(put.from) };
}

// The plan before the record of a schedule that lua/exchange.lua can fire: plain text, since Lua does not read JSON.

const EACH = "e";
const DECLARED = "d";

/** The stored record: `2:FLAGS:LATEST:,TIME=DATE,TIME=DATE,...,`, three lines with a job's record, its own text. */
export function withPlan({ record, plan }: Pick<SchedulePut, "record" | "plan">): string {
  if (!plan) return record;
  const { times, jobRecord, makesEach, latestMs = "", isDeclared } = plan;
  const flags = (makesEach ? EACH : "") + (isDeclared ? DECLARED : "");
  const dated = times.map((time) => `${time}=${new Date(time).toISOString()}`);
  return [`2:${flags}:${latestMs}:,${dated.join(",")},`, ...jobRecord, record].join("\n");
}

const head = /^2:([a-z]*):(\d*):,([^\n]+),\n([^\n]*)\n([^\n]*)\n([^\n]*)\n/;

export function readPlan(stored: string): { readonly record: string; readonly plan?: SchedulePlan } {
  const [text, flags = "", latest = "", times = "", start = "", middle = "", end = ""] = head.exec(stored) ?? [];
  if (text === undefined) return { record: stored };
  const plan: SchedulePlan = {
    times: times.split(",").map((dated) => Number.parseInt(dated, 10)),
    jobRecord: [start, middle, end],
    makesEach: flags.includes(EACH),
    isDeclared: flags.includes(DECLARED),
    ...(latest !== "" && { latestMs: Number(latest) }),
  };
  return { record: stored.slice(text.length), plan };
}
