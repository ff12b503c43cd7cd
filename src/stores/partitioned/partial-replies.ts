/** The replies of some partitions. They must reach the caller whatever happens to the others: their jobs are leased. */
export class PartialReplies<Reply> {
  readonly #replies = new Map<number, Reply>();
  readonly #failures = new Map<number, unknown>();

  /** Takes the reply of a partition; undefined if it fails. */
  async from(index: number, asked: Promise<Reply>): Promise<Reply | undefined> {
    try {
      const reply = await asked;
      this.#replies.set(index, reply);
      return reply;
    } catch (error) {
      this.#failures.set(index, error);
      return undefined;
    }
  }

  failureOf(index: number): unknown {
    return this.#failures.get(index);
  }

  /** Leaves failures out, because other partitions gave what was requested. */
  forgive(indexes: Iterable<number>): void {
    for (const index of indexes) this.#failures.delete(index);
  }

  of(index: number): Reply | undefined {
    return this.#replies.get(index);
  }

  get all(): readonly Reply[] {
    return [...this.#replies.values()];
  }

  /** Why a partition did not reply. @throws that, if none did. */
  get failure(): { readonly failure?: unknown } {
    const [failure] = this.#failures.values();
    if (this.#failures.size > 0 && this.#replies.size === 0) throw failure;
    return this.#failures.size > 0 ? { failure } : {};
  }
}
