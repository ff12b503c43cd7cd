import { MOST_SETTLED_BYTES, mostBytesOf } from "../shared/limits.ts";
import type { QueueStore } from "../store/store.ts";
import { type Renewal, renewAll } from "./lease.ts";

/** How many microtasks a request waits for steps that end in the same turn. */
const MICROTASKS = 8;
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

  /** Rejects as `JobLease.renew` does. */
  save(renewal: Renewal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ renewal, resolve, reject });
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    if (this.#isGathering || this.#inFlight >= MOST_IN_FLIGHT) return;
    this.#isGathering = true;
    for (let count = 0; count < MICROTASKS; count++) await undefined;
    this.#isGathering = false;
    const sent = this.#takePiece();
    if (sent.length === 0) return;
    this.#inFlight++;
    const renewals = renewAll(
      this.#store,
      sent.map(({ renewal }) => renewal),
    );
    const saved = await Promise.allSettled(renewals);
    this.#inFlight--;
    saved.forEach((result, index) => {
      if (result.status === "fulfilled") sent[index]?.resolve();
      else sent[index]?.reject(result.reason);
    });
    if (this.#waiting.length > 0) void this.#send();
  }

  /** Takes out those that fit into one request. */
  #takePiece(): readonly Waiting[] {
    let bytes = 0;
    const beyond = this.#waiting.findIndex(({ renewal }, index) => {
      bytes += mostBytesOf(renewal.record ?? "");
      return index > 0 && bytes > MOST_SETTLED_BYTES;
    });
    return this.#waiting.splice(0, beyond < 0 ? this.#waiting.length : beyond);
  }
}
