import { conflict } from "../shared/errors.ts";
import type { Lease, QueueStore } from "../store/store.ts";

/** How much longer than its timeout the lease of a job must last when it starts, so that its outcome can still be settled. */
export const SETTLE_MARGIN_MS = 5_000;
/** How long a claimed job may wait for a free slot before its lease is too short to start it. */
const WAIT_FOR_SLOT_MS = 25_000;
/** Leases differ by up to this much at random, so that two claims in one millisecond can be distinguished if one must be sent again. */
const SPREAD_MS = 1_000;

/** How long a claim leases jobs whose timeouts are no longer than this. */
export function leaseMsFor(longestTimeoutMs: number, random: () => number): number {
  return longestTimeoutMs + SETTLE_MARGIN_MS + WAIT_FOR_SLOT_MS + Math.floor(random() * SPREAD_MS);
}

/**
 * When an attempt began whose lease ends at `endsAt`, or extended it last: within a few seconds.
 *
 * @param timeoutMs of the job.
 * @param longestTimeoutMs of the jobs that its drain can perform.
 */
export function begunAbout(endsAt: number, timeoutMs: number, longestTimeoutMs: number): number {
  // A lease too short for the job is extended as the attempt begins.
  return (
    endsAt -
    Math.max(
      timeoutMs + SETTLE_MARGIN_MS,
      leaseMsFor(longestTimeoutMs, () => 0.5),
    )
  );
}

/** A lease to extend. */
interface Renewal {
  readonly lease: JobLease;
  /** The new end of the lease, never earlier than the current one. */
  readonly endsAt: number;
  /** Default: the record stays as it is. */
  readonly record?: string | undefined;
  /** Called if another invocation holds the lease. */
  readonly onLost: () => void;
}

/**
 * Extends leases, all in one request, after the renewals of each of them that are under way.
 *
 * @returns a promise per lease, in order. It rejects with `conflict` if another invocation holds the lease, or the attempt has ended.
 */
export function renewAll(store: QueueStore, renewals: readonly Renewal[]): readonly Promise<void>[] {
  const open = renewals.filter(({ lease }) => !lease.isFinal);
  const pending = open.flatMap(({ lease }) => lease.renewals ?? []);
  const send = () =>
    store.extend(
      open.map(({ lease: { current }, endsAt, record }) => ({
        lease: current,
        endsAt: Math.max(endsAt, current.endsAt),
        record,
      })),
    );
  // Nothing is sent for attempts that have ended, and nothing waits if no renewal is under way.
  const begin = () => (pending.length > 0 ? Promise.all(pending).then(send) : send());
  const replies = open.length > 0 ? begin() : undefined;
  return renewals.map((renewal) => {
    const index = open.indexOf(renewal);
    const extended = index < 0 ? undefined : replies?.then((leases) => leases[index]);
    return renewal.lease.follow(extended, renewal.onLost);
  });
}

/**
 * The lease of a claimed job, which its handler may extend and write progress under. Renewals run one after the other, however they
 * are called: each must name the lease that the one before it obtained, and the outcome must name the last one.
 */
export class JobLease {
  /** The current lease. */
  current: Lease;
  /** What to wait for until `current` includes the renewals under way. */
  renewals: Promise<void> | undefined;
  isFinal = false;
  readonly #store: QueueStore;

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
  async renew(endsAt: number, record: string | undefined, onLost: () => void): Promise<void> {
    await renewAll(this.#store, [{ lease: this, endsAt, record, onLost }])[0];
  }

  /** Takes over what a renewal obtains; undefined if none was sent, since the attempt has ended. */
  follow(extended: Promise<Lease | undefined> | undefined, onLost: () => void): Promise<void> {
    const { id } = this.current;
    if (!extended) return Promise.reject(conflict(`The attempt of job "${id}" has ended. Stop working.`));
    const renewed = extended.then((lease) => {
      if (!lease) {
        onLost();
        throw conflict(`The lease of job "${id}" has been lost. Stop working: the job belongs to another invocation.`);
      }
      this.current = lease;
    });
    this.renewals = renewed.catch(() => {});
    return renewed;
  }

  /** Ends renewals. @returns what to wait for before `current` is final; undefined if nothing. */
  finish(): Promise<void> | undefined {
    this.isFinal = true;
    return this.renewals;
  }
}
