import { eventNumber, MOST_KEPT_BYTES } from "../../core/store/signals.ts";
import type { Outcome, QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import * as scripts from "./scripts.generated.ts";

export function signalCalls(caller: Caller): Pick<QueueStore, "signal"> {
  return {
    async signal({ id, event, text, keepMs, knownMs }, now) {
      const of = { signalId: id, event, eventNumber: eventNumber(decodeURIComponent(event)) };
      const limits = { keepMs, knownMs, mostBytes: MOST_KEPT_BYTES };
      const reply = await caller.run(scripts.signal, { now, ...of, text, ...limits });
      return reply.woken < 0 ? { woken: 0, isKept: false, isRefused: true } : reply;
    },
  };
}

/** The outcomes of jobs that wait, or have waited, each with its number, from 1: see lua/_waits.lua. */
export function waitRows(settle: readonly Outcome[]) {
  return settle.flatMap(({ waits = "", lease }, index) =>
    waits === "" && lease.waits === undefined
      ? []
      : { outcome: index + 1, nowWaits: waits, hasWaited: lease.waits ?? "" },
  );
}
