import type { AnyJob } from "../job/define.ts";
import type { Clock } from "../shared/clock.ts";
import type { QueueStore } from "../store/store.ts";

/** What it takes to read and change the jobs of a queue. */
export interface ManageRuntime {
  readonly queue: string;
  readonly jobs: ReadonlyMap<string, AnyJob>;
  readonly clock: Clock;
  readonly store: QueueStore;
  /** The same store, for reads: what they cost is counted apart. */
  readonly reader: QueueStore;
  /** Is called with the time at which something will be due. */
  readonly noteDue: (runAt: number) => void;
}
