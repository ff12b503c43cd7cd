/** What is thought to fall due next. Only ever a hint, so plain data that requests may share. */
export class Expected {
  /** When, in ms since 1970; undefined where nothing is known. */
  at: number | undefined;
  readonly #listeners = new Set<(runAt: number) => void>();

  /** Something has been put in line. */
  add(runAt: number): void {
    this.at = Math.min(this.at ?? runAt, runAt);
    for (const tell of this.#listeners) tell(runAt);
  }

  /** Calls `listener` with each run time that is added. @returns a function that ends this. */
  listen(listener: (runAt: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
