import { eventNumber, MOST_KEPT_BYTES } from "../../core/store/signals.ts";
import type { Outcome, QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import * as scripts from "./scripts.generated.ts";

export function signalCalls(caller: Caller): Pick<QueueStore, "signal"> {
  return {
    async signal({ id, event, text, keepMs, knownMs }, now) {
      const number = String(eventNumber(decodeURIComponent(event)));
      const numbers = [keepMs, knownMs, MOST_KEPT_BYTES].map(String);
      const reply = await caller.texts(scripts.signal, [String(now), id, event, number, text, ...numbers]);
      const [woken = 0, isKept = 0] = reply.map(Number);
      if (woken < 0) return { woken: 0, isKept: false, isRefused: true };
      return { woken, isKept: isKept === 1 };
    },
  };
}

/** The outcomes of jobs that wait, or have waited, each with its number, from 1: see lua/_waits.lua. */
export function waitsArgument(settle: readonly Outcome[]): string {
  let text = "";
  settle.forEach(({ waits = "", lease }, index) => {
    if (waits !== "" || lease.waits !== undefined) text += `${index + 1}=${waits}=${lease.waits ?? ""};`;
  });
  return text;
}
