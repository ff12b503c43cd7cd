/** When something is due next, as far as one `Queue` object knows: a hint, in plain data that requests may share. */
export class NextDueHint {
  /** ms since 1970; undefined if nothing is known. */
  at: number | undefined;
  readonly #listeners = new Set<(runAt: number) => void>();

  /** Notes that something was enqueued that is due at `runAt`. */
  note(runAt: number): void {
    this.at = Math.min(this.at ?? runAt, runAt);
    for (const listener of this.#listeners) listener(runAt);
  }

  /** Notes that anything may be due: listeners check now, and the next drain peeks. */
  forget(now: number): void {
    this.note(now);
    this.at = undefined;
  }

  /** Calls `listener` with each run time that is noted. @returns a function that ends this. */
  listen(listener: (runAt: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
