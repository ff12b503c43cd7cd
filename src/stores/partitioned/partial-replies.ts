/** The replies of some parts. They must reach the caller even if other parts fail: their jobs are leased. */
export class PartialReplies<Reply> {
  readonly #replies = new Map<number, Reply>();
  readonly #failures = new Map<number, unknown>();

  /** Waits for the reply of a part; undefined if it fails. */
  async from(part: number, asked: Promise<Reply>): Promise<Reply | undefined> {
    try {
      const reply = await asked;
      this.#replies.set(part, reply);
      return reply;
    } catch (error) {
      this.#failures.set(part, error);
      return undefined;
    }
  }

  failureOf(part: number): unknown {
    return this.#failures.get(part);
  }

  /** Forgets failures, because other parts gave what was requested. */
  forgive(parts: Iterable<number>): void {
    for (const part of parts) this.#failures.delete(part);
  }

  of(part: number): Reply | undefined {
    return this.#replies.get(part);
  }

  get entries(): readonly (readonly [part: number, reply: Reply])[] {
    return [...this.#replies];
  }

  /** Why a part failed. @throws that, if all did. */
  get failure(): { readonly failure?: unknown } {
    const [failure] = this.#failures.values();
    if (this.#failures.size > 0 && this.#replies.size === 0) throw failure;
    return this.#failures.size > 0 ? { failure } : {};
  }
}

/** Whether a store was unreachable, rather than that it refused. */
export function isUnavailable(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null | undefined)?.code === "store_unavailable";
}

/** How long to wait for other replies after the first one. */
const LATE_MS = 1_000;

/** Waits until all have settled, or for a second after the first has replied. */
export async function unlessLate(asked: readonly Promise<unknown>[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = Promise.any(asked).then(
    () =>
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LATE_MS);
      }),
    () => {},
  );
  await Promise.race([Promise.allSettled(asked), late]);
  clearTimeout(timer);
}
