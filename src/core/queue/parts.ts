import { mostFollowUps } from "../attempt/follow-ups.ts";
import { leastBudget, leastToPeek } from "../drain/options.ts";
import type { ManageRuntime } from "../manage/runtime.ts";
import { logEmptied, logWarning } from "../observe/log.ts";
import { DeclaredSchedules } from "../schedule/declared.ts";
import type { Cost } from "../store/meter.ts";
import type { LocalFacts } from "../store/store.ts";
import { NextDueHint } from "./next-due.ts";
import { type QueueOptions, type QueueSettings, queueSettings } from "./options.ts";
import { UsageCounter } from "./usage.ts";

/** What the methods of a queue share. */
export interface QueueParts extends ManageRuntime {
  readonly settings: QueueSettings;
  readonly declared: DeclaredSchedules;
  readonly usage: UsageCounter;
  readonly nextDue: NextDueHint;
  readonly needs: DrainNeeds;
  /** A store has found that the queue was emptied since this process last used it. */
  readonly noteEmptied: () => void;
}

/** @throws as the constructor of `Queue` */
export function queueParts(options: QueueOptions): QueueParts {
  const settings = queueSettings(options);
  const { name, jobs, clock, logger } = settings;
  const usage = new UsageCounter(clock());
  const nextDue = new NextDueHint();
  const declared = new DeclaredSchedules(jobs, clock, (text) => logWarning(logger, text));
  const store = settings.store.open(name, usage.work);
  return {
    queue: name,
    jobs,
    clock,
    store,
    reader: settings.store.open(name, usage.reads),
    noteDue: (runAt) => nextDue.note(runAt),
    settings,
    declared,
    usage,
    nextDue,
    needs: drainNeeds(store.local, declared.count, mostFollowUps(jobs)),
    noteEmptied: () => {
      declared.noteEmptied();
      logEmptied(logger, name, clock());
    },
  };
}

/** What the drains of a queue must be able to afford. */
export interface DrainNeeds {
  /** The most that a peek costs. */
  readonly peek: Cost;
  /** The least budget with which a drain can do anything. */
  readonly least: Cost;
  /** The least budget with which it peeks before that. */
  readonly leastToPeek: Cost;
}

function drainNeeds(local: LocalFacts, declared: number, followUps: number): DrainNeeds {
  const least = leastBudget(local, declared, followUps);
  return { peek: local.mostOfPeek, least, leastToPeek: leastToPeek(local, declared, least) };
}
