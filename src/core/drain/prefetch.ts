import type { DrainSlots } from "./slots.ts";

/** How many of the jobs that ended last tell the pace, for each slot. */
const REMEMBERED_PER_SLOT = 4;
/**
 * A claim brings what starts in this time, beyond what is missing. Jobs of 200 ms in ten slots, 10 ms away, cost 0.5 commands each;
 * at 250 ms they cost 1.1, and at 4 s no less than at 1 s.
 */
const CLAIMED_MS = 1_000;
/**
 * No more is kept ready than starts in this time. Jobs of 5 ms keep 97 to 100 % of 100 slots busy, be Redis 10 ms or 40 ms away; at 50 ms
 * they keep 73 to 79 %.
 */
const READY_MS = 250;

/**
 * How many jobs a drain claims before it has slots for them, so that a slot that comes free never waits for an answer: as many as
 * the pace of its jobs so far gets started soon. While none has ended that is none: what is claimed must not wait behind jobs that
 * take long, in this drain, while another one has slots for it.
 *
 * The pace is how many jobs ended beside the time for which slots were taken. What still runs counts with the time that it has
 * taken so far, so jobs that take long slow the pace before they end.
 */
export class Prefetch {
  readonly #slots: Pick<DrainSlots, "most">;
  #taken = 0;
  #ended = 0;
  #takenMs = 0;
  #countedTo: number;

  constructor(slots: Pick<DrainSlots, "most">, now: number) {
    this.#slots = slots;
    this.#countedTo = now;
  }

  /** Counts a slot as taken. */
  take(now: number): void {
    this.#count(now);
    this.#taken++;
  }

  /** Counts a slot as free again, since its job has ended. */
  free(now: number): void {
    this.#count(now);
    this.#taken--;
    this.#ended++;
    if (this.#ended < this.#slots.most * REMEMBERED_PER_SLOT) return;
    this.#ended /= 2;
    this.#takenMs /= 2;
  }

  /** Forgets the pace, until the next job ends. */
  forget(): void {
    this.#ended = 0;
    this.#takenMs = 0;
  }

  get freeSlots(): number {
    return this.#slots.most - this.#taken;
  }

  /**
   * How many more to claim; 0 where enough is ahead.
   *
   * @param ahead how many wait for a slot, or are being claimed.
   * @param answerMs how long answers take.
   */
  missing(ahead: number, answerMs: number, now: number): number {
    const pace = this.#pace(now);
    const missing = this.#enough(pace, answerMs) - ahead;
    return missing > 0 ? Math.floor(missing + pace * CLAIMED_MS) : 0;
  }

  /** Whether so many are enough to have ahead. */
  suffices(ahead: number, answerMs: number, now: number): boolean {
    return ahead >= this.#enough(this.#pace(now), answerMs);
  }

  /**
   * One for each free slot, as many as start until an answer comes, twice over since answers vary, and one for each slot, since
   * all may come free at once.
   */
  #enough(pace: number, answerMs: number): number {
    return this.freeSlots + Math.min(this.#slots.most + 2 * pace * answerMs, pace * READY_MS);
  }

  /** How many jobs end in a millisecond while all slots are taken; 0 as long as nothing is known. */
  #pace(now: number): number {
    this.#count(now);
    return (this.#slots.most * this.#ended) / Math.max(this.#takenMs, 1);
  }

  #count(now: number): void {
    this.#takenMs += this.#taken * (now - this.#countedTo);
    this.#countedTo = now;
  }
}
