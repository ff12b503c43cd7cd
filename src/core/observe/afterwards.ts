import { type Clock, sleep } from "../shared/clock.ts";

/** How long an invocation stays at most for what hooks, or a tracer, still have to send. */
const STAY_MS = 2_000;

/** Waits until work has ended, well or not, and for two seconds at most. Never rejects. */
export async function atMostAWhile(clock: Clock, work: () => Promise<unknown>, mostMs = STAY_MS): Promise<void> {
  const timer = new AbortController();
  const ended = work().catch(() => undefined);
  await Promise.race([ended, sleep(clock, mostMs, timer.signal)]);
  timer.abort();
}

/** What drains that follow each other leave to be waited for once, at the end of the last: nothing that hangs may delay the next. */
export class Afterwards {
  readonly #rest = new Set<Promise<void>>();

  /** Takes what never rejects. */
  readonly take = (rest: Promise<void>): void => {
    this.#rest.add(rest);
    void rest.then(() => this.#rest.delete(rest));
  };

  async ended(): Promise<void> {
    await Promise.all(this.#rest);
  }
}
