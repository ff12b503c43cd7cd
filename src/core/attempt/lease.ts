import { conflict } from "../shared/errors.ts";
import { OutOfBudgetError } from "../store/meter.ts";
import { type Lease, type LeaseRenewal, MOST_SENDS, type QueueStore } from "../store/store.ts";

export interface Renewal {
  readonly lease: JobLease;
  /** The new end of the lease, which never moves to an earlier time. Default: as it ends now. */
  readonly endsAt?: number | undefined;
  /** Default: the record stays as it is. */
  readonly record?: string | undefined;
  /** Called if another invocation holds the lease. */
  readonly onLost: () => void;
}

/**
 * Extends leases in one request, after their renewals that are under way.
 *
 * @returns a promise per lease, in order. It rejects with `conflict` if another invocation holds the lease, or the
 *   attempt has ended; with the error of the store if it is not known whether the lease was extended.
 */
export function renewAll(store: QueueStore, renewals: readonly Renewal[]): readonly Promise<void>[] {
  // Nothing is sent for attempts that have ended.
  const open = renewals.filter(({ lease }) => !lease.isFinal);
  const sent = open.length > 0 ? sendInTurn(store, open) : undefined;
  return renewals.map((renewal) => renewal.lease.follow(open.includes(renewal) ? sent : undefined, renewal.onLost));
}

async function sendInTurn(store: QueueStore, renewals: readonly Renewal[]): Promise<void> {
  const pending = renewals.flatMap(({ lease }) => lease.renewals ?? []);
  if (pending.length > 0) await Promise.all(pending);
  const sent = renewals.map(({ lease: { current }, endsAt = 0, record }): LeaseRenewal => {
    return { lease: current, endsAt: Math.max(endsAt, leastEnd(current, record !== undefined)), record };
  });
  const note = (leases: readonly (Lease | null)[] = []) =>
    renewals.forEach(({ lease }, index) => {
      lease.note(sent[index] as LeaseRenewal, leases[index]);
    });
  const leases = await store.extend(sent).catch((error: unknown) => {
    // If the budget has refused it, nothing was sent.
    if (!(error instanceof OutOfBudgetError)) note();
    throw error;
  });
  note(leases);
}

/**
 * The earliest end that a renewal can give a lease: beyond every end that an earlier one may still make. A record moves
 * it too: if the request arrives again after that of a later record, it names a lease that is gone.
 */
function leastEnd({ endsAt, mayEndAt }: Lease, hasRecord: boolean): number {
  return mayEndAt || hasRecord ? Math.max(endsAt, ...(mayEndAt ?? [])) + 1 : endsAt;
}

/**
 * The lease of a claimed job. While it lasts, `perform` may extend it and report progress. Renewals are sent one
 * after the other: each must name the lease that the one before it obtained, and the outcome must name the last one.
 */
export class JobLease {
  /** The current lease. After an unanswered renewal it has several possible ends. */
  current: Lease;
  /** Resolves when `current` includes the renewals under way. */
  renewals: Promise<void> | undefined;
  isFinal = false;
  #isLost = false;

  constructor(lease: Lease) {
    this.current = lease;
  }

  /** Takes over what a renewal obtained: null if the lease is lost, undefined if there was no reply. */
  note(sent: LeaseRenewal, renewed: Lease | null | undefined): void {
    const { lease, endsAt } = sent;
    const ends = Array.from({ length: MOST_SENDS }, (_, send) => endsAt + send);
    if (renewed) this.current = renewed;
    else if (renewed === undefined) this.current = { ...lease, mayEndAt: [...(lease.mayEndAt ?? []), ...ends] };
    this.#isLost = renewed === null;
  }

  /** Waits for a renewal that is sent together with others; undefined if none was sent, since the attempt has ended. */
  follow(sent: Promise<void> | undefined, onLost: () => void): Promise<void> {
    const { id } = this.current;
    if (!sent) return Promise.reject(conflict(`The attempt of job "${id}" has ended. Stop working.`));
    const renewed = sent.then(() => {
      if (!this.#isLost) return;
      onLost();
      throw conflict(`The lease of job "${id}" has been lost. Stop working: the job belongs to another invocation.`);
    });
    this.renewals = renewed.catch(() => {});
    return renewed;
  }

  /** Allows no more renewals. @returns a promise that resolves when `current` is final; undefined if it is now. */
  finish(): Promise<void> | undefined {
    this.isFinal = true;
    return this.renewals;
  }
}
