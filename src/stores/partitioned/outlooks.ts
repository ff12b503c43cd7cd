import type { ClaimRequest, NewJob, NextDue } from "../../core/store/store.ts";
import type { UnreachableParts } from "./unreachable-parts.ts";

/**
 * How many exchanges in a row claim from one part while others have something due. One would be fairest, but then each
 * exchange needs another request to settle the jobs of the previous part.
 */
const MOST_IN_A_ROW = 2;

const NEVER = Number.POSITIVE_INFINITY;

/** What is due next in each part, as far as this process knows, and so where to claim next. */
export class Outlooks {
  readonly unreachable: UnreachableParts;
  /** The outlook of each part; undefined if it is unknown. */
  readonly #outlooks: (NextDue | undefined)[];
  /** When the first job is due that this process enqueued in a part since it last read the part. */
  readonly #enqueued: Map<number, number>;
  /** When an exchange last read each part. */
  readonly #readAt = new Map<number, number>();
  #last: number;
  /** How many exchanges in a row have claimed from the last part. */
  #inARow = 0;

  constructor(count: number, unreachable: UnreachableParts, enqueued: Map<number, number>) {
    this.unreachable = unreachable;
    this.#enqueued = enqueued;
    this.#outlooks = Array.from({ length: count }, () => undefined);
    // At random, so that concurrent drains start in different parts.
    this.#last = Math.floor(Math.random() * count);
  }

  noteEnqueued(part: number, jobs: readonly Pick<NewJob, "runAt" | "leaseEndsAt">[]): void {
    const waiting = jobs.flatMap(({ runAt, leaseEndsAt }) => (leaseEndsAt === undefined ? runAt : []));
    if (waiting.length > 0) this.#enqueued.set(part, Math.min(this.#enqueued.get(part) ?? NEVER, ...waiting));
  }

  /** Forgets what was enqueued in a part, since the reading finds it. */
  beginReading(part: number): void {
    this.#enqueued.delete(part);
  }

  /** @param now when an exchange read the part. Default: only a peek did. */
  learn(part: number, { paused, nextAt }: NextDue, now?: number): void {
    this.unreachable.delete(part);
    this.#outlooks[part] = { paused, nextAt };
    if (now !== undefined) this.#readAt.set(part, now);
  }

  /** A change in a part may have made something due there. */
  forget(part: number): void {
    this.#outlooks[part] = undefined;
  }

  /** The parts that a claim wants to read again because they were not read for long, and some unreachable ones. */
  stale(now: number, { refreshAfterMs = NEVER }: ClaimRequest): readonly number[] {
    const old = [...this.#outlooks.keys()].filter((part) => {
      const readAt = this.#readAt.get(part) ?? now;
      this.#readAt.set(part, readAt);
      return now - readAt >= refreshAfterMs && !this.unreachable.has(part);
    });
    return [...old, ...this.unreachable.toAsk(now)];
  }

  /** The part to claim from: the last again, up to twice in a row if it has more, else the first that is due. */
  nextToClaim(now: number): number {
    // An unread part may have something due.
    const dueAt = (part: number) => this.#dueAt(part) ?? 0;
    const count = this.#outlooks.length;
    // The last part comes last, so that parts with jobs of the same time are served round-robin.
    const inTurn = this.#outlooks
      .map((_, step) => (this.#last + 1 + step) % count)
      .filter((part) => !this.unreachable.has(part));
    const last = inTurn.at(-1) ?? this.#last;
    const isLastAgain = dueAt(last) <= now && this.#inARow < MOST_IN_A_ROW;
    const next = isLastAgain
      ? last
      : inTurn.reduce((least, part) => (dueAt(part) < dueAt(least) ? part : least), inTurn[0] ?? last);
    this.#inARow = next === this.#last ? this.#inARow + 1 : 1;
    this.#last = next;
    return next;
  }

  /** What is due next in all reachable parts. @param now when something is due in an unread part. */
  nextDue(now: number): NextDue {
    const parts = [...this.#outlooks.keys()].filter((part) => !this.unreachable.has(part));
    const nextAt = Math.min(...parts.map((part) => this.#dueAt(part) ?? now));
    const paused = parts.some((part) => this.#outlooks[part]?.paused);
    return { paused, nextAt: Number.isFinite(nextAt) ? nextAt : undefined };
  }

  /** When something is due in a part; undefined if it is unknown. */
  #dueAt(part: number): number | undefined {
    const outlook = this.#outlooks[part];
    return outlook && Math.min(outlook.nextAt ?? NEVER, this.#enqueued.get(part) ?? NEVER);
  }
}
