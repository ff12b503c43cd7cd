import type { RunLimits } from "../store/store.ts";
import type { DrainSlots } from "./slots.ts";

/** The pace is that of so many ended jobs for each slot, and of this time at least. */
const REMEMBERED_PER_SLOT = 4;
const REMEMBERED_MS = 20;
/**
 * A claim brings what is missing and what starts in this time. With Redis 10 ms away, jobs of 200 ms in ten slots then
 * cost 0.5 commands each. With 250 ms they would cost 1.1, and with 4 s no less than with 1 s.
 */
const CLAIMED_MS = 1_000;
/**
 * No more is kept ready than starts in this time. With Redis 10 ms or 40 ms away, jobs of 5 ms then keep 97 to 100 % of
 * 100 slots busy. With 50 ms they would keep 73 to 79 % busy.
 */
const READY_MS = 250;
/**
 * A slot of a flow control key takes the jobs that run in this time. They end before the first one must be settled
 * (`WAITS_MS` in in-hand.ts), so one request settles them all.
 */
const RUN_MS = 750;
/** A slot that waits for the reply to its claim is idle for a fiftieth of the time if jobs take that many replies. */
const SLOW_REPLIES = 50;
/** How much of the expected jobs per slot is kept when a slot is taken: after five, half of it. */
const FADING = 7 / 8;

/**
 * How many jobs a drain claims before it has slots for them, so that a free slot never waits for a reply: one for each
 * slot, as all may come free at once, or twice as many as end until a reply comes, if that is more. Twice, so that a
 * drain which had too few ahead can double its pace with each reply.
 *
 * The pace is how many jobs have really ended in a ms lately, so the drain never claims faster than it works. Before
 * the first job has ended, it claims none ahead: a job must not wait here behind slow ones while another drain has a
 * slot for it.
 */
export class Prefetch {
  readonly #slots: Pick<DrainSlots, "most">;
  readonly #isFree: boolean;
  #jobsPerSlot: number;
  #isFirst = true;
  #taken = 0;
  #ended = 0;
  /** For how long slots were taken in all, and how much time has passed since the first was taken. */
  #takenMs = 0;
  #passedMs = 0;
  #countedTo: number;

  /**
   * @param jobsPerSlot the most jobs that one slot may take, in one call of `performBatch`. The drain expects as
   *   many until the first one starts.
   * @param isFree whether requests cost nothing
   */
  constructor(slots: Pick<DrainSlots, "most">, jobsPerSlot: number, now: number, isFree = false) {
    this.#slots = slots;
    this.#isFree = isFree;
    this.#jobsPerSlot = jobsPerSlot;
    this.#countedTo = now;
  }

  /** Notes that jobs have taken a slot. @param most how many jobs their call could have performed. */
  slotTaken(now: number, most: number): void {
    this.#count(now);
    this.#taken++;
    // A call of `performBatch` that has nothing to do must not make the drain claim for it.
    this.#jobsPerSlot = this.#isFirst ? most : this.#jobsPerSlot * FADING + most * (1 - FADING);
    this.#isFirst = false;
  }

  slotFreed(now: number, jobs: number): void {
    this.#count(now);
    this.#taken--;
    this.#ended += jobs;
    if (this.#passedMs < REMEMBERED_MS || this.#ended < this.#mostJobs * REMEMBERED_PER_SLOT) return;
    this.#ended /= 2;
    this.#takenMs /= 2;
    this.#passedMs /= 2;
  }

  /** Forgets the pace, until the next job ends. */
  forget(): void {
    this.#ended = 0;
    this.#takenMs = 0;
    this.#passedMs = 0;
  }

  get freeSlots(): number {
    return this.#slots.most - this.#taken;
  }

  get mostStartable(): number {
    return Math.ceil(this.freeSlots * this.#jobsPerSlot);
  }

  get #mostJobs(): number {
    return this.#slots.most * this.#jobsPerSlot;
  }

  /**
   * How many more jobs to claim; 0 if enough are ahead.
   *
   * @param ahead how many wait for a slot or are being claimed.
   * @param replyMs how long replies of the store take.
   */
  missing(ahead: number, replyMs: number, now: number): number {
    const pace = this.#pace(now, replyMs);
    const missing = this.#enough(pace, replyMs) - ahead;
    return missing > 0 ? Math.floor(missing + pace * CLAIMED_MS) : 0;
  }

  /** How many jobs a claim takes for a slot of a flow control key. @param ahead as in `missing`. */
  runLimits(ahead: number, now: number): RunLimits {
    this.#count(now);
    const jobMs = this.#ended > 0 ? this.#takenMs / this.#ended : undefined;
    return { ms: RUN_MS, jobMs, startable: Math.max(0, this.mostStartable - ahead) };
  }

  isEnough(ahead: number, replyMs: number, now: number): boolean {
    return ahead >= this.#enough(this.#pace(now, replyMs), replyMs);
  }

  #enough(pace: number, replyMs: number): number {
    const soon = Math.max(this.#mostJobs, 2 * pace * replyMs);
    return Math.max(this.mostStartable, Math.min(soon, pace * READY_MS));
  }

  /** How many jobs end in a ms; 0 before the first has ended, to claim none ahead. */
  #pace(now: number, replyMs: number): number {
    this.#count(now);
    // Where requests cost nothing, a claim for each slow job is better than jobs that count as running and wait here.
    if (this.#isFree && this.#takenMs >= this.#ended * SLOW_REPLIES * Math.max(replyMs, 1)) return 0;
    return this.#ended / Math.max(this.#passedMs, 1);
  }

  #count(now: number): void {
    const passedMs = now - this.#countedTo;
    this.#countedTo = now;
    this.#takenMs += this.#taken * passedMs;
    // The time before the first job started says nothing of the pace.
    if (this.#taken > 0 || this.#ended > 0) this.#passedMs += passedMs;
  }
}
