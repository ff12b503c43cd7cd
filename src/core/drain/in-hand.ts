import type { Attempt } from "../attempt/attempt.ts";
import type { Lease } from "../store/store.ts";
import type { Unsettled } from "./budget.ts";
import type { InFlight } from "./in-flight.ts";
import { PrefetchBuffer } from "./prefetch-buffer.ts";
import { SettleBuffer } from "./settle-buffer.ts";

const WATCHED_AFTER_MS = 1_000;

/** The jobs that a drain has claimed and not settled yet, from the claim to the outcome. */
export class JobsInHand implements Unsettled {
  /** Jobs that have not begun. */
  readonly waiting = new PrefetchBuffer();
  readonly running = new Set<Attempt>();
  /** Jobs that have ended, or are released, and wait for the next exchange. */
  readonly ended = new SettleBuffer();
  readonly #inFlight: Readonly<InFlight>;

  constructor(inFlight: Readonly<InFlight>) {
    this.#inFlight = inFlight;
  }

  /** The leases of jobs that have run for a while: quick ones end before anybody can cancel them. */
  longestRunning(now: number): readonly Lease[] {
    return [...this.running]
      .filter(({ startedAt }) => startedAt > 0 && now - startedAt >= WATCHED_AFTER_MS)
      .map(({ job }) => job.lease.current);
  }

  /** How many wait for a slot or are being claimed. Riders wait for others of their key. */
  get ahead(): number {
    return this.waiting.forSlot + this.#inFlight.claiming;
  }

  /** How many jobs no exchange has settled or is settling. Jobs that are being claimed count too. */
  get unsettled(): number {
    return this.waiting.length + this.#inFlight.claiming + this.running.size + this.ended.length;
  }

  /** Each request holds only so many bytes of records. */
  get requestsToSettle(): number {
    return this.unsettled === 0 ? 0 : Math.max(1, this.ended.requests.length);
  }

  requestsAfter(more: number): number {
    const [settled = 0, ...rest] = this.ended.requests;
    return this.unsettled - settled + more > 0 ? Math.max(1, rest.length) : 0;
  }

  /** Whether nothing runs and no reply is on its way. */
  get isIdle(): boolean {
    return this.running.size === 0 && this.#inFlight.count === 0;
  }
}
