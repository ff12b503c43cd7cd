import { preciseNow } from "./task.ts";

/** How much of the time slots are taken: 1 if all of them always are. */
export class BusyMeter {
  readonly #spans: (readonly [start: number, end: number])[] = [];

  /** Runs a job, and counts the time that it takes. */
  async time(run: () => Promise<unknown>): Promise<void> {
    const start = preciseNow();
    await run();
    this.#spans.push([start, preciseNow()]);
  }

  /**
   * The share between the first start and the last end, or of a part of that time.
   *
   * @param from and `to` are shares of the time.
   */
  share(slots: number, from = 0, to = 1): number {
    const first = Math.min(...this.#spans.map(([start]) => start));
    const whole = Math.max(...this.#spans.map(([, end]) => end)) - first;
    const [begin, finish] = [first + whole * from, first + whole * to];
    const taken = this.#spans.reduce(
      (sum, [start, end]) => sum + Math.max(0, Math.min(end, finish) - Math.max(start, begin)),
      0,
    );
    return taken / (slots * (finish - begin));
  }
}
