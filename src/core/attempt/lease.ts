import { conflict } from "../shared/errors.ts";
import type { Lease, QueueStore } from "../store/store.ts";

/**
 * The lease of one attempt, which its job may move and write under. Its calls go one after the other, however they are made:
 * each must name the lease that the one before it got, and the outcome the last of them.
 */
export class HeldLease {
  /** As it stands by now. */
  current: Lease;
  readonly #store: QueueStore;
  #renewals: Promise<void> | undefined;
  #isFinal = false;

  constructor(store: QueueStore, lease: Lease) {
    this.#store = store;
    this.current = lease;
  }

  /**
   * Moves the end of the lease to `endsAt`, never to an earlier time, and rewrites the record under it where one is given.
   *
   * @param lost is called where the lease belongs to somebody else.
   * @throws {TidegateError} `conflict` where it does, or the attempt has ended.
   */
  renew(endsAt: number, record: string | undefined, lost: () => void): Promise<void> {
    const { id } = this.current;
    if (this.#isFinal) return Promise.reject(conflict(`The attempt of job "${id}" has ended. Stop working.`));
    const move = async () => {
      const lease = await this.#store.extend(this.current, Math.max(endsAt, this.current.endsAt), record);
      if (!lease) {
        lost();
        throw conflict(`The lease of job "${id}" has been lost. Stop working: the job belongs to another invocation.`);
      }
      this.current = lease;
    };
    const renewed = this.#renewals ? this.#renewals.then(move) : move();
    this.#renewals = renewed.catch(() => {});
    return renewed;
  }

  /** Keeps it as it will be once what is under way has ended, which is to be waited for where there is anything. */
  settle(): Promise<void> | undefined {
    this.#isFinal = true;
    return this.#renewals;
  }
}
