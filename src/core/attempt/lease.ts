import { conflict } from "../shared/errors.ts";
import type { Lease, QueueStore } from "../store/store.ts";

/** How much longer than its timeout the lease of a job must last when it starts, so that its outcome can still be settled. */
export const SETTLE_MARGIN_MS = 5_000;
/** How long a claimed job may wait for a free slot before its lease is too short to start it. */
const WAIT_FOR_SLOT_MS = 25_000;
/** Leases differ by up to this much at random, so that two claims in one millisecond can be told apart if one must be sent again. */
const SPREAD_MS = 1_000;

/** How long a claim leases jobs whose timeouts are no longer than this. */
export function leaseMsFor(longestTimeoutMs: number, random: () => number): number {
  return longestTimeoutMs + SETTLE_MARGIN_MS + WAIT_FOR_SLOT_MS + Math.floor(random() * SPREAD_MS);
}

/**
 * The lease of a claimed job, which its handler may extend and write progress under. Renewals run one after the other, however they
 * are called: each must name the lease that the one before it obtained, and the outcome must name the last one.
 */
export class JobLease {
  /** The lease as it stands now. */
  current: Lease;
  readonly #store: QueueStore;
  #renewals: Promise<void> | undefined;
  #isFinal = false;

  constructor(store: QueueStore, lease: Lease) {
    this.#store = store;
    this.current = lease;
  }

  /**
   * Moves the end of the lease to `endsAt`, never to an earlier time, and rewrites the record under it if one is given.
   *
   * @param onLost is called if another invocation holds the lease.
   * @throws {TidegateError} `conflict` in that case, and if the attempt has ended.
   */
  renew(endsAt: number, record: string | undefined, onLost: () => void): Promise<void> {
    const { id } = this.current;
    if (this.#isFinal) return Promise.reject(conflict(`The attempt of job "${id}" has ended. Stop working.`));
    const move = async () => {
      const lease = await this.#store.extend(this.current, Math.max(endsAt, this.current.endsAt), record);
      if (!lease) {
        onLost();
        throw conflict(`The lease of job "${id}" has been lost. Stop working: the job belongs to another invocation.`);
      }
      this.current = lease;
    };
    const renewed = this.#renewals ? this.#renewals.then(move) : move();
    this.#renewals = renewed.catch(() => {});
    return renewed;
  }

  /** Ends renewals. @returns what to wait for before `current` is final; undefined if nothing. */
  finish(): Promise<void> | undefined {
    this.#isFinal = true;
    return this.#renewals;
  }
}
