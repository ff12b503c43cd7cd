import type { Clock } from "../shared/clock.ts";
import { OutOfBudgetError } from "../store/meter.ts";
import type { ExchangeReply, ExchangeRequest, NextDue } from "../store/store.ts";

const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } };

/**
 * How many exchanges may be in flight at once. While the reply of one is on its way, the jobs of the others run. With
 * Redis 40 ms away, jobs of 5 ms keep 99 % of 100 slots busy; with 6 exchanges 86 %, with 2 of them 30 %. A Worker has
 * six connections: a seventh request would wait while its timeout runs.
 */
const MOST_IN_FLIGHT = navigator?.userAgent === "Cloudflare-Workers" ? 6 : 16;

const none: ReadonlySet<string> = new Set();

/** An exchange of a drain, without what all of them have in common. */
export interface DrainRequest extends Omit<ExchangeRequest, "retentionMs" | "observe"> {
  /** Whether it reads what is due next. If not, it only settles. */
  readonly reads: boolean;
  /** Whether an earlier one has failed: nothing settles what this one leaves unsettled. */
  readonly isLastTry: boolean;
}

/** The exchanges of a drain in flight, and what their replies say of the queue. Only this class changes its fields. */
export class InFlight {
  readonly #exchange: (request: DrainRequest) => Promise<ExchangeReply>;
  readonly #clock: Clock;
  readonly #onNews: () => void;
  count = 0;
  /** How many jobs they may claim. */
  claiming = 0;
  /** How many jobs were due at the last count, beyond those that these exchanges will claim. */
  backlog = 0;
  /** How long a reply takes, in ms, to an exchange that waits for no other: the latest sent alone, or a shorter one. */
  replyMs = 0;
  paused: boolean;
  pausedNames = none;
  /** Whether one has failed. Running jobs may still end and be settled, but no more are started. */
  hasFailed = false;
  /** Whether the budget had no room for one, or for its resends. */
  isOutOfBudget = false;
  #sent = 0;
  #replied = 0;
  /** Which exchange read what is known of the queue: an older one may get its reply later. */
  #knownFrom = 0;
  #nextAt: number | undefined;
  /** When the first job is due that this process has enqueued since the last read of what is due next was sent. */
  #enqueuedAt: number | undefined;
  #error: unknown;
  #failure: unknown;
  #abortedBy: unknown;

  /** @param onNews is called after each reply and each failure. */
  constructor(
    exchange: (request: DrainRequest) => Promise<ExchangeReply>,
    clock: Clock,
    nextDue: NextDue,
    onNews: () => void,
  ) {
    this.#exchange = exchange;
    this.#clock = clock;
    this.#nextAt = nextDue.nextAt;
    this.paused = nextDue.paused;
    this.#onNews = onNews;
  }

  /** What aborted the drain, or why the last exchange failed, if none has succeeded since. */
  get error(): unknown {
    return this.#abortedBy ?? this.#error;
  }

  /** Why the drain claims no more: what has failed, even if an exchange has succeeded since. */
  get failure(): unknown {
    return this.#abortedBy ?? this.#failure;
  }

  /** Ends the drain because something other than an exchange has failed. Running jobs are still settled. */
  abort(error: unknown): void {
    this.hasFailed = true;
    this.#abortedBy ??= error;
  }

  /** At first one exchange, and two more with each reply: a store that is slow or refuses gets only one request. */
  get hasRoom(): boolean {
    return this.count < Math.min(MOST_IN_FLIGHT, 1 + 2 * this.#replied);
  }

  /**
   * How much longer the leases of the next claim last, in ms. Two claims in one millisecond must differ, in case one
   * is sent again. A resend may extend its leases by one more.
   */
  get leaseApartMs(): number {
    return 2 * (this.#sent % MOST_IN_FLIGHT);
  }

  /** Whether another claim may find jobs beyond those that the exchanges in flight will claim. */
  get mayFindMore(): boolean {
    return this.count === 0 || this.backlog > 0;
  }

  /** When something is due next, as far as this drain knows; infinite if nothing is. */
  get nextAt(): number {
    return Math.min(this.#nextAt ?? Number.POSITIVE_INFINITY, this.#enqueuedAt ?? Number.POSITIVE_INFINITY);
  }

  noteEnqueued(at: number): void {
    this.#enqueuedAt = Math.min(this.#enqueuedAt ?? at, at);
  }

  /** Sends an exchange. @param onEnd is called with its reply; with undefined if it failed. */
  send(request: DrainRequest, onEnd: (reply: ExchangeReply | undefined) => void): void {
    const number = ++this.#sent;
    const { limit = 0 } = request.claim ?? {};
    const isAlone = this.count === 0;
    this.count++;
    this.claiming += limit;
    this.backlog -= limit;
    // A request that reads nothing learns nothing of it.
    if (request.reads) this.#enqueuedAt = undefined;
    const landed = () => {
      this.count--;
      this.claiming -= limit;
    };
    const ended = this.#exchange(request).then(
      (reply) => {
        landed();
        this.#replied++;
        const tookMs = this.#clock() - request.now;
        this.replyMs = isAlone ? tookMs : Math.min(tookMs, this.replyMs);
        this.#error = undefined;
        if (request.reads && number > this.#knownFrom) this.#learn(reply, number, request);
        onEnd(reply);
      },
      (error: unknown) => {
        landed();
        this.#fail(error);
        onEnd(undefined);
      },
    );
    void ended.catch((error: unknown) => this.abort(error)).then(this.#onNews);
  }

  #fail(error: unknown): void {
    if (error instanceof OutOfBudgetError) {
      this.isOutOfBudget = true;
      return;
    }
    this.hasFailed = true;
    this.#error = error;
    this.#failure = error;
  }

  #learn(reply: ExchangeReply, number: number, { claim, now }: DrainRequest): void {
    const { nextAt, paused, pausedJobs, backlog } = reply;
    this.#knownFrom = number;
    this.#nextAt = nextAt;
    this.paused = paused;
    this.pausedNames = pausedJobs?.[0] ? new Set(pausedJobs.map(({ name }) => name)) : none;
    const isNothingDue = nextAt === undefined || nextAt > now;
    if (claim?.countBacklog || isNothingDue) this.backlog = backlog - this.claiming;
  }
}
