import { invalidRequest, TidegateError } from "../../core/shared/errors.ts";
import { wholeNumber } from "../../core/shared/validate.ts";
import type { DocumentChange, DocumentPageRequest, StoredDocument } from "../../core/store/documents.ts";
import type { StoredHour, StoredNameFigures } from "../../core/store/figures.ts";
import type { FlowChange, FlowState } from "../../core/store/flow.ts";
import { type Cost, type Meter, OutOfBudgetError, sumOf } from "../../core/store/meter.ts";
import type { StoredPending } from "../../core/store/pending.ts";
import type { ManifestChange, SchedulePut, StoredSchedule } from "../../core/store/schedules.ts";
import type { StoredStats } from "../../core/store/stats.ts";
import type { FailuresPage, FailuresRequest } from "../../core/store/store.ts";
import {
  type CancelStatus,
  type Change,
  type ClaimRequest,
  type ClearableState,
  checkStore,
  type DeadJobRetry,
  type EnqueueReply,
  type ExchangeReply,
  type ExchangeRequest,
  type ExtendReply,
  type FlowPageRequest,
  type FoundDead,
  type JobState,
  type Layout,
  type Lease,
  type LeaseRenewal,
  type LocalFacts,
  type NewJob,
  type NextDue,
  type Outcome,
  type Page,
  type PageRequest,
  type PeekReply,
  type QueueStore,
  type SettleReply,
  type SettleRequest,
  type Store,
  type StoredJob,
  sizeOf,
} from "../../core/store/store.ts";
import { beforeCalls } from "../before-calls.ts";
import { readUnordered, unorderedCursor, writeCursor } from "../cursor.ts";
import { PartitionedFacts, partitionOf, partitionOfKey } from "./facts.ts";
import { LostParts } from "./lost-parts.ts";
import { mergedFailures } from "./merged-failures.ts";
import { mergedPages } from "./merged-pages.ts";
import { PartialReplies } from "./partial-replies.ts";
import { SpreadCheck } from "./spread-check.ts";
import { sumOfHours, sumOfNames, sumOfPending } from "./sum-of-figures.ts";
import { sumOfStats } from "./sum-of-stats.ts";

/**
 * Spreads each queue over several sets of keys, in one store or in several, for queues that outgrow one: a key of the small Upstash plans
 * holds 100 MB, one lock guards each set, and one core runs each database. Everything works as before, except for this:
 *
 * - Jobs run in order within a partition; all jobs of one `enqueueMany` without your own ids are in one. All jobs
 *   with the same flow control key are in one too, and your own id is refused if it belongs in another.
 * - Jobs with your own ids are stored atomically per partition, not all together. `dedupe` cannot be combined with an id.
 * - An idle tick costs one command and one round trip per partition; so does each `checkEvery` of a drain with running jobs.
 * - A drain of n partitions needs `budget.roundTrips` of at least n + 7, and `budget.commands` of 2 n + 93, or it throws: the
 *   defaults allow up to 33 partitions, `cloudflareFree` up to 8. More make it faster: ended jobs may be in any of them.
 * - The first call of a process for a queue checks that it is stored in this many partitions: 3 commands.
 *
 * ```ts
 * const queue = new Queue({ store: partitioned(upstashStore({ url, token }), 8), jobs });
 * ```
 *
 * The number is stored with the queue when it is first used, and cannot be changed: calls that open the queue with another number, or
 * without `partitioned`, throw `invalid_request` and change nothing. To change it, choose another name for the queue, enqueue there, and
 * drain both until the old one is empty.
 *
 * With k stores, of any kinds, partition p is in the store whose number is p modulo k. The stores and their order are fixed like the
 * number of partitions:
 *
 * ```ts
 * const queue = new Queue({ store: partitioned([inFrankfurt, inDublin], 8), jobs });
 * ```
 *
 * - The first call of a process asks each store: 3 commands for each. The smallest budget of a drain has 2 k - 1 more round trips.
 * - While a store does not answer, drains continue with the others and log a warning. New jobs without your own id or dedupe key go to the
 *   others after one failure, and try the lost store again after 30 s. Calls for its jobs, or for all jobs, throw `store_unavailable`.
 * - Schedules are in the first store, with the jobs that they make, and so are documents. Nothing is copied from one store to another.
 *
 * @param store a store, or several, each given once.
 * @param count the number of partitions, 1 to 64, and at least one for each store. 1 is the same as the store itself.
 * @throws {TidegateError} `invalid_request`
 */
export function partitioned(store: Store | readonly Store[], count: number): Store {
  const stores = Array.isArray(store) ? (store as readonly Store[]) : [store as Store];
  for (const one of stores) checkStore(one, "partitioned");
  wholeNumber(count, "the number of partitions", 1, 64);
  if (stores.length === 0 || stores.length > count || new Set(stores).size < stores.length)
    throw invalidRequest("partitioned needs at least one store, each given once, and a partition for each of them.");
  const [first] = stores as [Store, ...Store[]];
  if (count === 1) return first;
  const known = new Map<string, Known>();
  return {
    open(queue, meter) {
      const { checked, lost, enqueued } = known.get(queue) ?? nothingKnown(stores.length);
      known.set(queue, { checked, lost, enqueued });
      const wholes = stores.map((one) => one.open(queue, meter));
      const spread = new SpreadCheck(queue, wholes, count, checked);
      const parts = Array.from({ length: count }, (_, partition) => {
        const place = partition % stores.length;
        const part = (stores[place] as Store).open(queue, meter, partition);
        return beforeCalls(part, () => spread.check(place));
      });
      return new PartitionedQueue(parts, stores.length, spread, lost, enqueued, meter);
    },
  };
}

/** What this process knows of a queue. */
interface Known {
  /** The stores that have been checked. */
  readonly checked: Set<number>;
  /** The parts that do not answer. */
  readonly lost: LostParts;
  /** For parts that no drain has read since this process enqueued something there: when the first of it is due. */
  readonly enqueued: Map<number, number>;
}

function nothingKnown(stores: number): Known {
  return { checked: new Set(), lost: new LostParts(stores), enqueued: new Map() };
}

/**
 * A job whose flow control key scopes its dedupe key: two flow keys are in one partition or in two by chance, so the holder of a dedupe
 * key is searched only among the jobs of the same flow key. No key has a line feed.
 */
function withScope(job: NewJob): NewJob {
  const { dedupe, flow } = job;
  return dedupe && flow ? { ...job, dedupe: { ...dedupe, key: `${flow.key}\n${dedupe.key}` } } : job;
}

/** How a cursor begins that is in one part: with its number. Others hold for all parts. */
const IN_ONE_PART = /^\d{1,2}\//;

/** How long an answer may come after the first one before the others continue without it. */
const LATE_MS = 1_000;
/**
 * How many exchanges in a row claim from one part while others have something due. One would be fairest, but settles what the part
 * before has given in a request of its own each time.
 */
const MOST_IN_A_ROW = 2;

/** Waits until all have settled, or for a second after the first has answered. */
async function unlessLate(asked: readonly Promise<unknown>[]): Promise<void> {
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

function goneIn(replies: PartialReplies<SettleReply>): readonly string[] {
  return replies.all.flatMap(({ gone = [] }) => gone);
}

function noAnswer(): TidegateError {
  return new TidegateError("store_unavailable", "A partition of the queue has not answered in time.");
}

function isUnavailable(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null | undefined)?.code === "store_unavailable";
}

class PartitionedQueue implements QueueStore {
  readonly local: LocalFacts;
  readonly #parts: readonly QueueStore[];
  readonly #stores: number;
  /** When something is next due in each part; undefined where that is not known yet. */
  readonly #outlooks: (NextDue | undefined)[];
  readonly #lost: LostParts;
  readonly #enqueued: Known["enqueued"];
  readonly #spread: SpreadCheck;
  readonly #meter: Meter | undefined;
  /** When an exchange last read each part. */
  readonly #lookedAt = new Map<number, number>();
  #last: number;
  /** How many exchanges in a row have claimed from it. */
  #inARow = 0;

  constructor(
    parts: readonly QueueStore[],
    stores: number,
    spread: SpreadCheck,
    lost: LostParts,
    enqueued: Known["enqueued"],
    meter: Meter | undefined,
  ) {
    this.#parts = parts;
    this.#stores = stores;
    this.#lost = lost;
    this.#enqueued = enqueued;
    this.#spread = spread;
    this.#meter = meter;
    const facts = parts.slice(0, stores).map(({ local }) => local);
    this.local = new PartitionedFacts(facts, parts.length, lost);
    this.#outlooks = parts.map(() => undefined);
    // Concurrent drains mostly start in different places.
    this.#last = Math.floor(Math.random() * parts.length);
  }

  #noteEnqueued(index: number, jobs: readonly NewJob[]): void {
    const waiting = jobs.flatMap(({ runAt, leaseEndsAt }) => (leaseEndsAt === undefined ? runAt : []));
    const dueAt = Math.min(this.#enqueued.get(index) ?? Number.POSITIVE_INFINITY, ...waiting);
    if (waiting.length > 0) this.#enqueued.set(index, dueAt);
  }

  /** Of a store that was emptied, how the queue is spread is gone too. */
  #checkIfEmptied(index: number, { isEmptied = false }: Pick<PeekReply, "isEmptied">): void {
    if (isEmptied) this.#spread.checkAgain(index % this.#stores);
  }

  /** When something is due in a part, as far as is known; undefined if nothing is known. */
  #dueAt(index: number): number | undefined {
    const outlook = this.#outlooks[index];
    if (!outlook) return undefined;
    return Math.min(outlook.nextAt ?? Number.POSITIVE_INFINITY, this.#enqueued.get(index) ?? Number.POSITIVE_INFINITY);
  }

  #indexOf(id: string): number {
    return partitionOf(id, this.#parts.length);
  }

  #at(index: number): QueueStore {
    return this.#parts[index] as QueueStore;
  }

  #of(id: string): QueueStore {
    return this.#at(this.#indexOf(id));
  }

  async enqueue(jobs: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]> {
    const indexOf = (job: NewJob) => this.local.partitionOf(job);
    return this.#inParts(jobs.map(withScope), indexOf, async (index, some) => {
      try {
        const replies = await this.#at(index).enqueue(some, now);
        this.#lost.noteEnqueue(index, now, true);
        this.#noteEnqueued(index, some);
        if (replies[0]) this.#checkIfEmptied(index, replies[0]);
        return replies;
      } catch (error) {
        if (isUnavailable(error)) this.#lost.noteEnqueue(index, now, false);
        throw error;
      }
    });
  }

  /** Sends each item to its part, and returns the answers in the order of the items. */
  async #inParts<Item, Answer>(
    items: readonly Item[],
    indexOf: (item: Item) => number,
    ask: (index: number, items: readonly Item[]) => Promise<readonly Answer[]>,
  ): Promise<readonly Answer[]> {
    const indexes = items.map(indexOf);
    const answers = new Map<number, Answer[]>();
    await Promise.all(
      [...new Set(indexes)].map(async (index) => {
        answers.set(index, [
          ...(await ask(
            index,
            items.filter((_, at) => indexes[at] === index),
          )),
        ]);
      }),
    );
    return indexes.map((index) => answers.get(index)?.shift() as Answer);
  }

  async settle(request: SettleRequest): Promise<SettleReply> {
    const replies = new PartialReplies<SettleReply>();
    const indexes = new Set(request.settle.map(({ lease }) => this.#indexOf(lease.id)));
    const held = this.#holdRoom(indexes, (index) => this.#mostOf(index, undefined, { ...request, fire: [] }));
    const send = (index: number, settle: readonly Outcome[]) => {
      held.get(index)?.();
      return replies.from(
        index,
        this.#at(index).settle({ ...request, settle, watch: this.#watchedIn(index, request) }),
      );
    };
    const settled = await this.#settleInParts(request.settle, send);
    return { settled, gone: goneIn(replies), ...replies.failure };
  }

  async exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    const { now, fire, claim } = request;
    let target = this.#nextToClaim(now);
    const replies = new PartialReplies<ExchangeReply>();
    const send = async (index: number, part: Pick<ExchangeRequest, "settle" | "fire">) => {
      const watch = this.#watchedIn(index, request);
      const whole = { ...request, ...part, watch, claim: index === target ? claim : undefined };
      this.#enqueued.delete(index);
      held.get(index)?.();
      const reply = await replies.from(index, this.#at(index).exchange(whole));
      if (reply) this.#learn(index, reply, now);
      else if (isUnavailable(replies.failureOf(index))) this.#lost.add(index, now);
      return reply;
    };
    const sendWithFires = (index: number, settle: readonly Outcome[]) =>
      send(index, { settle, fire: index === 0 ? fire : [] });
    const settlesIn = new Set(request.settle.map(({ lease }) => this.#indexOf(lease.id)));
    const busy = new Set([...settlesIn, ...(fire.length > 0 ? [0] : [])]);
    const rest = new Set([...busy, target]);
    const held = this.#holdRoom(rest, (index) => this.#mostOf(index, index === target ? claim : undefined, request));
    const asked = Promise.all([
      this.#settleInParts(request.settle, sendWithFires),
      ...[...rest].filter((index) => !settlesIn.has(index)).map((index) => sendWithFires(index, [])),
    ]);
    // Last, because the budget may have no room for it.
    const passing = this.#stale(now, claim)
      .filter((index) => !rest.has(index))
      .map((index) => this.#lookInPassing(index, now));
    const [settled] = await asked;
    const fired = replies.of(0)?.fired ?? [];
    if (passing.length > 0) await unlessLate([asked, ...passing]);
    // A part that does not answer, and was only to be claimed from, does not stop claims from others.
    const passedOver = new Set<number>();
    const unanswered: unknown[] = [];
    while (this.#lost.has(target) && !busy.has(target)) {
      passedOver.add(target);
      unanswered.push(replies.failureOf(target));
      target = this.#nextToClaim(now);
      if (this.#lost.has(target)) break;
      const isAnswered = !claim && replies.of(target) !== undefined;
      const isClaimed = isAnswered || (await send(target, { settle: [], fire: [] }));
      // What the lost ones may have been billed can leave no room for this: then the budget ends the drain, and not they.
      if (isClaimed || replies.failureOf(target) instanceof OutOfBudgetError) replies.forgive(passedOver);
    }
    const claimed = replies.of(target);
    return {
      ...this.#outlook(now),
      ...replies.failure,
      ...(claimed && unanswered.length > 0 && { passedOver: unanswered[0] }),
      left: claimed?.left ?? 0,
      ...(claimed?.leftKeys && { leftKeys: true }),
      ...(claimed?.evicted && { evicted: claimed.evicted }),
      settled,
      gone: goneIn(replies),
      fired,
      jobs: claimed?.jobs ?? [],
      schedules: claimed?.schedules ?? [],
    };
  }

  #watchedIn(index: number, { watch = [] }: SettleRequest): readonly Lease[] {
    return watch.filter(({ id }) => this.#indexOf(id) === index);
  }

  /** Keeps room for the requests of all parts, so that the first one takes none for what it could do without. Gives it back by part. */
  #holdRoom(indexes: Iterable<number>, mostOf: (index: number) => Cost): ReadonlyMap<number, (() => void) | undefined> {
    return new Map([...indexes].map((index) => [index, this.#meter?.hold?.(mostOf(index))]));
  }

  /** The most that one part of an exchange costs. */
  #mostOf(index: number, claim: ClaimRequest | undefined, { settle, fire, ...request }: ExchangeRequest): Cost {
    const part = {
      ...{ ...request, claim, fire: index === 0 ? fire : [] },
      settle: settle.filter(({ lease }) => this.#indexOf(lease.id) === index),
    };
    return this.#at(index).local.mostOfExchange(sizeOf(part));
  }

  #settleInParts(
    outcomes: readonly Outcome[],
    send: (index: number, outcomes: readonly Outcome[]) => Promise<SettleReply | undefined>,
  ): Promise<SettleReply["settled"]> {
    return this.#inParts(
      outcomes,
      ({ lease }) => this.#indexOf(lease.id),
      async (index, some) => (await send(index, some))?.settled ?? some.map(() => undefined),
    );
  }

  #learn(index: number, outlook: NextDue, now: number): void {
    this.#lost.delete(index);
    this.#outlooks[index] = outlook;
    this.#lookedAt.set(index, now);
  }

  /** The parts that the caller wants to be read again, because the last reading is too old, and lost ones now and then. */
  #stale(now: number, claim: ClaimRequest | undefined): readonly number[] {
    if (!claim) return [];
    const { refreshAfterMs = Number.POSITIVE_INFINITY } = claim;
    const old = this.#parts.flatMap((_, index) => {
      const lookedAt = this.#lookedAt.get(index) ?? now;
      this.#lookedAt.set(index, lookedAt);
      return now - lookedAt >= refreshAfterMs && !this.#lost.has(index) ? index : [];
    });
    return [...old, ...this.#lost.toAsk(now)];
  }

  /** The next exchange repeats what fails: a failure must not lose what this one claims. */
  async #lookInPassing(index: number, now: number): Promise<void> {
    const outlook = await this.#at(index)
      .peek(now)
      .catch(() => undefined);
    if (!outlook) return;
    this.#checkIfEmptied(index, outlook);
    this.#learn(index, outlook, now);
  }

  /** The part that was claimed from last, if it has more and its turn is not over; else the one that is due first. */
  #nextToClaim(now: number): number {
    // One never read may have something due.
    const dueAt = (index: number) => this.#dueAt(index) ?? 0;
    const count = this.#parts.length;
    // The last one comes last, so that parts with jobs of the same time take turns.
    const inTurn = this.#parts
      .map((_, step) => (this.#last + 1 + step) % count)
      .filter((index) => !this.#lost.has(index));
    const last = inTurn.at(-1) ?? this.#last;
    const isItsTurn = dueAt(last) <= now && this.#inARow < MOST_IN_A_ROW;
    const next = isItsTurn
      ? last
      : inTurn.reduce((least, index) => (dueAt(index) < dueAt(least) ? index : least), inTurn[0] ?? last);
    this.#inARow = next === this.#last ? this.#inARow + 1 : 1;
    this.#last = next;
    return next;
  }

  #outlook(now: number): NextDue {
    const indexes = [...this.#parts.keys()].filter((index) => !this.#lost.has(index));
    const nextAt = Math.min(...indexes.map((index) => this.#dueAt(index) ?? now));
    return {
      paused: indexes.some((index) => this.#outlooks[index]?.paused),
      nextAt: Number.isFinite(nextAt) ? nextAt : undefined,
    };
  }

  async partitions(): Promise<Layout> {
    return { partitions: this.#parts.length, stores: this.#stores, store: 0 };
  }

  async pulse(): Promise<string> {
    return (await Promise.all(this.#parts.map((part) => part.pulse()))).join(";");
  }

  async peek(now: number): Promise<PeekReply> {
    return this.#peekAll(this.#at(0).peek(now), now);
  }

  async peekWithManifest(now: number): Promise<PeekReply & { readonly manifest: string | undefined | null }> {
    let manifest: string | undefined | null = null;
    const first = this.#at(0).peekWithManifest(now);
    const reply = await this.#peekAll(
      first.then((found) => {
        manifest = found.manifest;
        return found;
      }),
      now,
    );
    return { ...reply, manifest };
  }

  /** Continues without the parts that fail or are late, unless all of them do. */
  async #peekAll(first: Promise<PeekReply>, now: number): Promise<PeekReply> {
    const answered = new Set<number>();
    const emptied = new Set<number>();
    const failures: unknown[] = [];
    const peeks = [first, ...this.#parts.slice(1).map((part) => part.peek(now))].map(async (peek, index) => {
      try {
        const reply = await peek;
        const { paused, nextAt } = reply;
        if (reply.isEmptied) emptied.add(index);
        this.#checkIfEmptied(index, reply);
        answered.add(index);
        this.#lost.delete(index);
        this.#outlooks[index] = { paused, nextAt };
      } catch (error) {
        failures.push(error);
        throw error;
      }
    });
    await unlessLate(peeks);
    const refusal = failures.find((error) => !isUnavailable(error));
    if (refusal !== undefined) throw refusal;
    const silent = [...peeks.keys()].filter((index) => !answered.has(index));
    for (const index of silent) this.#lost.add(index);
    const [failure = noAnswer()] = failures;
    if (answered.size === 0) throw failure;
    return { ...this.#outlook(0), ...(silent.length > 0 && { failure }), ...(emptied.size > 0 && { isEmptied: true }) };
  }

  /** @throws {OutOfBudgetError} if there is no room for the requests of all parts. Then none is sent. */
  async extend(renewals: readonly LeaseRenewal[]): Promise<ExtendReply> {
    const indexes = renewals.map(({ lease }) => this.#indexOf(lease.id));
    const parts = [...new Set(indexes)];
    const [first = 0] = parts;
    if (parts.length < 2) return this.#at(first).extend(renewals);
    const costOf = (index: number) => {
      const leases = indexes.filter((each) => each === index).length;
      return this.#at(index).local.mostOfExtend(leases);
    };
    if (this.#meter?.allows?.(parts.map(costOf).reduce(sumOf)) === false) throw new OutOfBudgetError();
    const held = this.#holdRoom(parts, costOf);
    const failures: unknown[] = [];
    const leases = await this.#inParts(
      renewals,
      ({ lease }) => this.#indexOf(lease.id),
      async (index, some) => {
        held.get(index)?.();
        try {
          return (await this.#at(index).extend(some)).leases;
        } catch (error) {
          failures.push(error);
          return some.map(() => undefined);
        }
      },
    );
    return { leases, ...(failures.length > 0 && { failure: failures[0] }) };
  }

  find(id: string, now: number): Promise<StoredJob | undefined> {
    return this.#of(id).find(id, now);
  }

  /** Reads one part alone: the answers of all at once would exceed the limit of one. */
  async findDead([first, ...others]: readonly string[], mostBytes: number): Promise<FoundDead> {
    if (first === undefined) return { jobs: [], rest: [] };
    const index = this.#indexOf(first);
    const isHere = (id: string) => this.#indexOf(id) === index;
    const { jobs, rest } = await this.#at(index).findDead([first, ...others.filter(isHere)], mostBytes);
    return { jobs, rest: [...rest, ...others.filter((id) => !isHere(id))] };
  }

  async list(state: JobState, { cursor, ...page }: PageRequest): Promise<Page<StoredJob>> {
    const isNewestFirst = state === "dead" || state === "completed";
    if (isNewestFirst && !IN_ONE_PART.test(cursor ?? "")) return this.#listNewest(state, { cursor, ...page });
    const { index, rest } = this.#place(cursor);
    const { items, cursor: next } = await this.#at(index).list(state, { ...page, cursor: rest });
    if (state !== "completed" || next !== undefined) return { items, cursor: this.#after(index, next) };
    return { items, cursor: index + 1 < this.#parts.length ? `${index + 1}/${unorderedCursor("")}` : undefined };
  }

  /** Merges the pages of all partitions. Each has the same order, so one cursor holds for all of them. */
  async #listNewest(state: JobState, page: PageRequest): Promise<Page<StoredJob>> {
    const mostBytes = Math.ceil(page.mostBytes / this.#parts.length);
    const pages = await Promise.all(this.#parts.map((part) => part.list(state, { ...page, mostBytes })));
    const { items, last } = mergedPages(pages, page);
    if (last) return { items, cursor: writeCursor(last) };
    const unordered = pages.findIndex(({ cursor }) => readUnordered(cursor) !== undefined);
    return { items, cursor: unordered < 0 ? undefined : `${unordered}/${pages[unordered]?.cursor}` };
  }

  async failures(page: FailuresRequest): Promise<FailuresPage> {
    const mostBytes = Math.ceil(page.mostBytes / this.#parts.length);
    return mergedFailures(
      await Promise.all(this.#parts.map((part) => part.failures({ ...page, mostBytes }))),
      page.limit,
    );
  }

  /** The position of a cursor: a part, and the cursor in that part. */
  #place(cursor: string | undefined): { index: number; rest: string | undefined } {
    if (cursor === undefined) return { index: 0, rest: undefined };
    const [, index, rest] = /^(\d{1,2})\/(.*)$/s.exec(cursor) ?? [];
    if (index === undefined || Number(index) >= this.#parts.length) {
      throw invalidRequest("cursor must be the one that the page before came with, for the same state.");
    }
    return { index: Number(index), rest: rest || undefined };
  }

  #after(index: number, rest: string | undefined): string | undefined {
    if (rest !== undefined) return `${index}/${rest}`;
    return index + 1 < this.#parts.length ? `${index + 1}/` : undefined;
  }

  areWaiting(ids: readonly string[], now: number): Promise<readonly boolean[]> {
    return this.#byId(ids, (part, some) => part.areWaiting(some, now));
  }

  cancel(ids: readonly string[], now: number, mayRun?: boolean): Promise<readonly CancelStatus[]> {
    return this.#byId(ids, (part, some) => part.cancel(some, now, mayRun));
  }

  reschedule(ids: readonly string[], runAt: number, now: number): Promise<readonly boolean[]> {
    return this.#byId(ids, (part, some) => part.reschedule(some, runAt, now));
  }

  #byId<Answer>(
    ids: readonly string[],
    send: (part: QueueStore, ids: readonly string[]) => Promise<readonly Answer[]>,
  ): Promise<readonly Answer[]> {
    return this.#inParts(
      ids,
      (id) => this.#indexOf(id),
      (index, some) => send(this.#at(index), some),
    );
  }

  change(change: Change): Promise<boolean> {
    return this.#of(change.id).change(change);
  }

  retryDead(retries: readonly DeadJobRetry[], now: number): Promise<readonly boolean[]> {
    return this.#inParts(
      retries,
      ({ id }) => this.#indexOf(id),
      (index, some) => this.#at(index).retryDead(some, now),
    );
  }

  async removeDead(ids: readonly string[]): Promise<number> {
    const counts = await Promise.all(
      this.#parts.map((part, index) => part.removeDead(ids.filter((id) => this.#indexOf(id) === index))),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async clear(
    state: ClearableState,
    now: number,
    from?: string,
    most?: number,
  ): Promise<{ readonly cleared: number; readonly next: string | undefined }> {
    const { index, rest } = this.#place(from);
    const { cleared, next } = await this.#at(index).clear(state, now, rest, most);
    return { cleared, next: this.#after(index, next) };
  }

  findFlow(key: string, now: number): Promise<FlowState | undefined> {
    return this.#ofKey(key).findFlow(key, now);
  }

  async listFlows({ cursor, ...page }: FlowPageRequest): Promise<Page<FlowState>> {
    const { index, rest } = this.#place(cursor);
    const { items, cursor: next } = await this.#at(index).listFlows({ ...page, cursor: rest });
    return { items, cursor: this.#after(index, next) };
  }

  changeFlow(key: string, change: FlowChange, now: number): Promise<void> {
    this.#outlooks[partitionOfKey(key, this.#parts.length)] = undefined;
    return this.#ofKey(key).changeFlow(key, change, now);
  }

  #ofKey(key: string): QueueStore {
    return this.#at(partitionOfKey(key, this.#parts.length));
  }

  async stats(now: number, withNames?: boolean): Promise<StoredStats> {
    return sumOfStats(await Promise.all(this.#parts.map((part) => part.stats(now, withNames))));
  }

  async figures(now: number, days: number): Promise<readonly StoredNameFigures[]> {
    return sumOfNames(await Promise.all(this.#parts.map((part) => part.figures(now, days))));
  }

  async pending(now: number): Promise<StoredPending> {
    return sumOfPending(await Promise.all(this.#parts.map((part) => part.pending(now))));
  }

  async history(now: number, hours: number): Promise<readonly StoredHour[]> {
    return sumOfHours(await Promise.all(this.#parts.map((part) => part.history(now, hours))));
  }

  async setPaused(paused: boolean): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.setPaused(paused)));
  }

  putSchedule(schedule: SchedulePut): Promise<boolean> {
    this.#outlooks[0] = undefined;
    return this.#at(0).putSchedule(schedule);
  }

  findSchedule(key: string): Promise<StoredSchedule | undefined> {
    return this.#at(0).findSchedule(key);
  }

  listSchedules(): Promise<readonly StoredSchedule[]> {
    return this.#at(0).listSchedules();
  }

  removeSchedule(key: string): Promise<boolean> {
    return this.#at(0).removeSchedule(key);
  }

  declare(change: ManifestChange): Promise<boolean> {
    this.#outlooks[0] = undefined;
    return this.#at(0).declare(change);
  }

  findDocument(kind: string, name: string, now: number): Promise<StoredDocument | undefined> {
    return this.#at(0).findDocument(kind, name, now);
  }

  listDocuments(page: DocumentPageRequest): Promise<Page<StoredDocument>> {
    return this.#at(0).listDocuments(page);
  }

  changeDocuments(changes: readonly DocumentChange[], now: number): Promise<boolean> {
    return this.#at(0).changeDocuments(changes, now);
  }
}
