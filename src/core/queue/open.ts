import { LEAST_ROUND_TRIPS } from "../drain/budget.ts";
import { type DrainContext, NextDueHint } from "../drain/context.ts";
import { encryptedStore } from "../encryption/encrypted-store.ts";
import { openKeys } from "../encryption/keys.ts";
import { type RekeyOptions, type RekeyResult, rekey } from "../encryption/rekey.ts";
import type { QueueContext } from "../enqueue/context.ts";
import { readWatchSecrets, type WatchTokens, watchTokens } from "../manage/watch-token.ts";
import { readAlerts } from "../observe/alerts.ts";
import { logWarning } from "../observe/log.ts";
import type { WakeCalls } from "../observe/wake.ts";
import { DeclaredSchedules } from "../schedule/declared.ts";
import { invalidRequest } from "../shared/errors.ts";
import type { Meter } from "../store/meter.ts";
import { checkDrainable, type QueueStore } from "../store/store.ts";
import { type QueueOptions, queueOptions, readOptions } from "./options.ts";

export interface OpenQueue extends QueueContext, DrainContext {
  readonly store: QueueStore;
  readonly wakes: WakeCalls | undefined;
  /** What calls cost, without drains. */
  readonly meter: Meter;
  readonly watchTokens: WatchTokens;
  /** Makes a step of `Queue.rekey`. */
  readonly rekey: (options: RekeyOptions) => Promise<RekeyResult>;
  /** Looks now and then whether anything drains the queue (`Alerting.look`). Whoever reads the queue calls it. */
  readonly look: () => Promise<void> | undefined;
}

export function openQueue(options: QueueOptions): OpenQueue {
  const alerting = readAlerts(options);
  const given = alerting ? { ...options, jobs: [...(options.jobs ?? []), ...alerting.jobs] } : options;
  const { store: kept, ...chosen } = readOptions(given, queueOptions, "new Queue");
  const { queue, definitions, clock, logger, wakes, encryption } = chosen;
  const meter: Meter = { roundTrips: 0, commands: 0 };
  const nextDue = new NextDueHint();
  const declared = new DeclaredSchedules(definitions, clock, (text) => logWarning(logger, text));
  const keys = encryption && openKeys(queue, encryption);
  const open = (meter: Meter) => {
    const opened = kept.open(queue, meter);
    return keys ? encryptedStore(opened, keys, meter) : opened;
  };
  const store = open(meter);
  checkDrainable(store, "new Queue");
  const look = () => alerting?.look({ queue, clock, store, logger });
  const noteCall = (at: number) => {
    const looked = look();
    const woken = wakes?.by(at);
    return looked ? looked.then(() => woken) : woken;
  };
  return {
    ...chosen,
    async rekey(options) {
      if (!keys) throw invalidRequest("This queue does not encrypt. Give it keys: new Queue({ encryption }).");
      const needs = { store: kept.open(queue, meter), keys, now: clock(), newMark: chosen.newId };
      return rekey(needs, options);
    },
    alerting,
    store,
    look,
    open,
    declared,
    nextDue,
    meter,
    watchTokens: watchTokens(readWatchSecrets(options.watchSecret)),
    // A drain reads the manifest of schedules that code declares before it claims anything.
    leastRoundTrips: LEAST_ROUND_TRIPS + (declared.count > 0 ? 1 : 0),
    noteDue(runAt) {
      nextDue.note(runAt);
      return noteCall(runAt);
    },
    noteLeased: noteCall,
    noteAnythingDue() {
      const now = clock();
      nextDue.forget(now);
      return wakes?.by(now);
    },
  };
}

/** Reads at once, unless it is time to look whether anything drains the queue. */
export function afterLook<Read>({ look }: OpenQueue, read: () => Promise<Read>): Promise<Read> {
  const looked = look();
  return looked ? looked.then(read) : read();
}
