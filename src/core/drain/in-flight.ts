import type { Clock } from "../shared/clock.ts";
import { OutOfBudgetError } from "../store/meter.ts";
import type { ExchangeReply, ExchangeRequest, NextDue, QueueStore } from "../store/store.ts";

const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } };

/**
 * How many exchanges may be under way at once: while the answer of one travels, the jobs of the others run. With Redis 40 ms away, jobs of
 * 5 ms keep 99 % of 100 slots busy; with 6 exchanges 86 %, with 2 of them 30 %. A Worker has six connections: a request more would
 * wait while its timeout runs. (A drain with few slots, or jobs that make requests, has one or two under way.)
 */
const MOST_UNDER_WAY = navigator?.userAgent === "Cloudflare-Workers" ? 6 : 16;

/** How much of the longest answer of late is kept when a shorter one comes. */
const FADING = 7 / 8;

/** The exchanges of one drain, and what they tell of the queue. */
export class Exchanges {
  readonly #store: Pick<QueueStore, "exchange">;
  readonly #clock: Clock;
  readonly #ring: () => void;
  #underWay = 0;
  #claiming = 0;
  #sent = 0;
  #answered = 0;
  /** Which exchange told of the queue last: the answers of two may come in another order than they were sent. */
  #toldBy = 0;
  #nextAt: number | undefined;
  /** What this process has put in line since the last exchange was sent. */
  #expectedAt: number | undefined;
  #left = 0;
  #paused: boolean;
  #answerMs = 0;
  #hasFailed = false;
  #isOutOfBudget = false;
  #error: unknown;
  #brokenOff: unknown;

  /**
   * @param outlook what is known, or thought, to come next.
   * @param ring is called whenever there is something new: an answer, a failure, or something put in line.
   */
  constructor(store: Pick<QueueStore, "exchange">, clock: Clock, outlook: NextDue, ring: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#nextAt = outlook.nextAt;
    this.#paused = outlook.paused;
    this.#ring = ring;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Whether one has failed. What runs may still end and be handed in, but nothing more is begun. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Whether the budget had no room for one, or for the requests that it took beyond what was expected. */
  get isOutOfBudget(): boolean {
    return this.#isOutOfBudget;
  }

  /** Why the last one failed, if none has got through since; else what broke the drain off. */
  get error(): unknown {
    return this.#brokenOff ?? this.#error;
  }

  /** Something else than an exchange failed: what runs may still end and be handed in, but nothing more is begun. */
  breakOff(error: unknown): void {
    this.#hasFailed = true;
    this.#brokenOff ??= error;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** One at first, and two more with each answer, so that a slow store, or one that refuses, is asked once. */
  get mayBegin(): boolean {
    return this.#underWay < Math.min(MOST_UNDER_WAY, 1 + 2 * this.#answered);
  }

  /**
   * What to lengthen the leases of the next claim by, in ms: claims of the same millisecond must be told apart, should one of them
   * be sent again, and the second of its sends may lengthen them by one more.
   */
  get leaseApartMs(): number {
    return 2 * (this.#sent % MOST_UNDER_WAY);
  }

  /** How many jobs those under way may bring. */
  get claiming(): number {
    return this.#claiming;
  }

  /** Whether there is more for another claim to find, beyond what those under way will take. */
  get mayFindMore(): boolean {
    return this.#underWay === 0 || this.#left > 0;
  }

  /** How many are due beyond what those under way will take, as far as was counted. */
  get left(): number {
    return this.#left;
  }

  /** How long answers take, in ms: the longest of late. */
  get answerMs(): number {
    return this.#answerMs;
  }

  /** When something falls due next, as far as is known; infinite where nothing does. */
  get dueAt(): number {
    return Math.min(this.#nextAt ?? Number.POSITIVE_INFINITY, this.#expectedAt ?? Number.POSITIVE_INFINITY);
  }

  /** Tells that something falls due then, so that it need not be looked for. */
  expect(at: number): void {
    this.#expectedAt = Math.min(this.#expectedAt ?? at, at);
    this.#ring();
  }

  /** Sends one. @param ended takes in what it brought; undefined where it failed. */
  send(request: ExchangeRequest, ended: (reply: ExchangeReply | undefined) => void): void {
    const number = ++this.#sent;
    this.#underWay++;
    this.#claiming += claimedBy(request);
    this.#left -= claimedBy(request);
    this.#expectedAt = undefined;
    const answered = this.#store.exchange(request).then(
      (reply) => {
        this.#isBack(request);
        this.#answered++;
        this.#answerMs = Math.max(this.#clock() - request.now, this.#answerMs * FADING);
        this.#error = undefined;
        if (number > this.#toldBy) this.#learn(reply, number, request);
        ended(reply);
        if ("failure" in reply) this.#fail(reply.failure);
      },
      (error: unknown) => {
        this.#isBack(request);
        this.#fail(error);
        ended(undefined);
      },
    );
    void answered.catch((error: unknown) => this.breakOff(error)).then(this.#ring);
  }

  #isBack(request: ExchangeRequest): void {
    this.#underWay--;
    this.#claiming -= claimedBy(request);
  }

  #fail(error: unknown): void {
    if (error instanceof OutOfBudgetError) {
      this.#isOutOfBudget = true;
      return;
    }
    this.#hasFailed = true;
    this.#error = error;
  }

  #learn({ nextAt, paused, left }: ExchangeReply, number: number, { claim, now }: ExchangeRequest): void {
    this.#toldBy = number;
    this.#nextAt = nextAt;
    this.#paused = paused;
    const isNothingDue = nextAt === undefined || nextAt > now;
    if (claim?.countLeft || isNothingDue) this.#left = left - this.#claiming;
  }
}

/** How many jobs a request claims at most. */
function claimedBy({ claim }: ExchangeRequest): number {
  return claim?.limit ?? 0;
}
