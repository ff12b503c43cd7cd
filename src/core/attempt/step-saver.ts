import { firstPiece, MOST_SETTLED_BYTES } from "../shared/limits.ts";
import type { QueueStore } from "../store/store.ts";
import { type Renewal, renewAll } from "./lease.ts";

/**
 * Within so many microtasks, steps that end together are stored together, and a call beside a sleep or a wait is
 * noticed. Nested promises take a few each.
 */
const MICROTASKS = 8;

export async function settled(): Promise<void> {
  for (let count = 0; count < MICROTASKS; count++) await undefined;
}

/** How many requests may be in flight at once. What ends meanwhile is stored with the next one. */
const MOST_IN_FLIGHT = 2;

interface Waiting {
  readonly renewal: Renewal;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Stores the steps of all jobs of a drain: those that end together share a request, and its price. */
export class StepSaver {
  readonly #store: QueueStore;
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #isGathering = false;

  constructor(store: QueueStore) {
    this.#store = store;
  }

  save(renewal: Renewal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ renewal, resolve, reject });
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    if (this.#isGathering || this.#inFlight >= MOST_IN_FLIGHT) return;
    this.#isGathering = true;
    await settled();
    this.#isGathering = false;
    const piece = firstPiece(this.#waiting, ({ renewal }) => renewal.record ?? "", MOST_SETTLED_BYTES);
    const sent = this.#waiting.splice(0, piece.length);
    if (sent.length === 0) return;
    this.#inFlight++;
    const all = sent.map(({ renewal }) => renewal);
    const renewals = renewAll(this.#store, all);
    sent.forEach(({ resolve, reject }, index) => void renewals[index]?.then(resolve, reject));
    await Promise.allSettled(renewals);
    this.#inFlight--;
    if (this.#waiting.length > 0) void this.#send();
  }
}
