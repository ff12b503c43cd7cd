import type { AttemptNeeds } from "../attempt/needs.ts";
import type { EnqueueNeeds } from "../enqueue/needs.ts";
import type { DeclaredSchedules } from "../schedule/declared.ts";
import type { Meter } from "../store/meter.ts";
import type { QueueStore } from "../store/store.ts";
import type { NextDueHint } from "./next-due.ts";

/** What the drains of a queue need. */
export interface DrainNeeds
  extends Omit<EnqueueNeeds, "store" | "noteDue" | "noteLeased">,
    Pick<AttemptNeeds, "retentionMs" | "observe" | "alerting" | "logger"> {
  /** Opens the store of the queue. The meter counts what it costs. */
  readonly open: (meter: Meter) => QueueStore;
  readonly declared: DeclaredSchedules;
  readonly nextDue: NextDueHint;
  /** The least round trips with which a drain can do anything. */
  readonly leastRoundTrips: number;
}
