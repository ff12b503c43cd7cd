import { type Clock, sleep } from "../shared/clock.ts";

/** How long an invocation waits at most for hooks or a tracer to send the rest. */
const STAY_MS = 2_000;

/** Waits until work has ended, well or not, but no longer than `mostMs`. Never rejects. */
export async function atMostAWhile(clock: Clock, work: () => Promise<unknown>, mostMs = STAY_MS): Promise<void> {
  const timer = new AbortController();
  const ended = work().catch(() => undefined);
  await Promise.race([ended, sleep(clock, mostMs, timer.signal)]);
  timer.abort();
}

/** Promises to wait for at the end: of hooks, of traces, and of several drains, since a hook may hang. */
export class Afterwards {
  readonly #rest = new Set<Promise<void>>();

  /** @param rest never rejects. */
  readonly take = (rest: Promise<void>): void => {
    this.#rest.add(rest);
    void rest.then(() => this.#rest.delete(rest));
  };

  async ended(): Promise<void> {
    await Promise.all(this.#rest);
  }

  async endedWithin(clock: Clock, mostMs?: number): Promise<void> {
    if (this.#rest.size > 0) await atMostAWhile(clock, () => this.ended(), mostMs);
  }
}
