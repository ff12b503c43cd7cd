import { invalidRequest, quote } from "../../core/shared/errors.ts";
import { fnv1a } from "../../core/shared/hash.ts";
import { wholeNumber } from "../../core/shared/validate.ts";
import type { FlowChange, FlowState } from "../../core/store/flow.ts";
import type { Cost } from "../../core/store/meter.ts";
import { isSlotJobId } from "../../core/store/occurrence-id.ts";
import type { ManifestChange, SchedulePut, StoredSchedule } from "../../core/store/schedules.ts";
import type { StoredStats } from "../../core/store/stats.ts";
import {
  type Change,
  type ClaimRequest,
  type ClearableState,
  checkStore,
  type EnqueueReply,
  type ExchangeReply,
  type ExchangeRequest,
  type ExchangeSize,
  type FlowPageRequest,
  type FoundDead,
  type JobState,
  type Lease,
  type LeaseRenewal,
  type LocalFacts,
  type NewJob,
  type NextDue,
  type Outcome,
  type Page,
  type PageRequest,
  type QueueStore,
  type Revival,
  type SettleReply,
  type SettleRequest,
  type SettleSize,
  type Store,
  type StoredJob,
} from "../../core/store/store.ts";
import { beforeCalls } from "../before-calls.ts";
import { sumOfStats } from "./sum-of-stats.ts";
import { wrongPartitions } from "./wrong-partitions.ts";

/**
 * Spreads each queue of a store over several sets of keys, for those who outgrow one: a key of the small Upstash plans takes
 * 100 MB, and one lock guards each set. Everything stays as it is, but for this:
 *
 * - Jobs run in order within a partition; all jobs of one `enqueueMany` without ids of their own are in one. All jobs
 *   with the same key of flow control are in one too, and an id of their own that lies in another is refused.
 * - Jobs with ids of their own are stored atomically for each partition, not all together. `dedupe` takes no id beside it.
 * - An idle tick costs one command, and one round trip, a partition; so does each `checkEvery` of a drain that jobs keep.
 * - A drain of n partitions needs `budget.roundTrips` of n + 6 at least, and `budget.commands` of 2 n + 28, else it throws: the
 *   defaults do up to 34 partitions, `cloudflareFree` up to 9. More make it faster: what has ended may be in any of them.
 * - The first call of a process for a queue makes sure that it is stored in so many partitions: 3 commands.
 *
 * ```ts
 * const queue = new Queue({ store: partitioned(upstashStore({ url, token }), 8), jobs });
 * ```
 *
 * The number is stored with the queue when it is first used, and cannot be changed: calls that open the queue with another one, or
 * without `partitioned`, throw `invalid_request` and change nothing. To change it, choose another name for the queue, enqueue there, and
 * drain both until the old one is empty.
 *
 * @param count 1 to 64. 1 is the same as the store itself.
 * @throws {TidegateError} `invalid_request`
 */
export function partitioned(store: Store, count: number): Store {
  checkStore(store, "partitioned");
  wholeNumber(count, "the number of partitions", 1, 64);
  const checked = new Set<string>();
  return {
    open(queue, meter) {
      const whole = store.open(queue, meter);
      if (count === 1) return whole;
      const parts = Array.from({ length: count }, (_, partition) => store.open(queue, meter, partition));
      const check = async () => {
        const stored = await whole.partitions(count);
        if (stored !== count) throw wrongPartitions(queue, stored, count);
        checked.add(queue);
      };
      return beforeCalls(new PartitionedQueue(parts), () => (checked.has(queue) ? undefined : check()));
    },
  };
}

const plus = (one: Cost, other: Cost): Cost => ({
  roundTrips: one.roundTrips + other.roundTrips,
  commands: one.commands + other.commands,
});

const times = ({ roundTrips, commands }: Cost, count: number): Cost => ({
  roundTrips: roundTrips * count,
  commands: commands * count,
});

/** Spreads texts that differ in their last letters alone: the lower bits of FNV-1a are mixed with its upper ones. */
function hash(text: string): number {
  const value = fnv1a(text);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Which of so many partitions a job is in. Those that schedules make are where the schedules are. */
function partitionOf(id: string, count: number): number {
  return isSlotJobId(id) ? 0 : hash(id) % count;
}

/** Which partition all jobs of a key are in, be it one of flow control or of dedupe. */
function partitionOfKey(key: string, count: number): number {
  return hash(key) % count;
}

class PartitionedFacts implements LocalFacts {
  readonly mostOfPeek: Cost;
  readonly mostOfPartitions: Cost;
  readonly #part: LocalFacts;
  readonly #count: number;

  /** @param part the facts of one partition: they are the same for each. */
  constructor(part: LocalFacts, count: number) {
    this.#part = part;
    this.#count = count;
    this.mostOfPartitions = part.mostOfPartitions;
    // The first peek of a process is preceded by the question over how many partitions the queue is spread.
    this.mostOfPeek = plus(times(part.mostOfPeek, count + 1), part.mostOfPartitions);
  }

  mostOfSettle(size: SettleSize): Cost {
    return times(this.#part.mostOfSettle(size), Math.min(size.settles ?? 0, this.#count));
  }

  mostOfExchange({ settles = 0, fires = 0, isResend = false, ...rest }: ExchangeSize): Cost {
    const settling = this.mostOfSettle({ settles, isResend });
    const claiming = this.#part.mostOfExchange({ fires, isResend, ...rest });
    // Schedules are in the first partition, and what is claimed may be in another.
    const apart = times(this.#part.mostOfSettle({}), fires > 0 ? 1 : 0);
    const { roundTrips, commands } = [settling, claiming, apart].reduce(plus);
    return { roundTrips: Math.min(roundTrips, this.#count), commands };
  }

  mostOfDeclare(schedules: number): Cost {
    return this.#part.mostOfDeclare(schedules);
  }

  idSource(newId: () => string): (key?: string) => string {
    const count = this.#count;
    const target = Math.floor(Math.random() * count);
    return (key) => {
      const wanted = key === undefined ? target : partitionOfKey(key, count);
      let id = newId();
      // Some tries a partition: what is left of chance after 50 is one in e^50, and then the id is merely stored elsewhere.
      for (let tries = 50 * count; tries > 0 && partitionOf(id, count) !== wanted; tries--) id = newId();
      return id;
    };
  }

  partitionOf({ id, isFreshId, dedupe, flow }: Omit<NewJob, "record">): number {
    if (dedupe && !isFreshId)
      throw invalidRequest("A partitioned queue takes dedupe only for jobs without an id of their own.");
    const index = partitionOf(id, this.#count);
    if (flow && index !== partitionOfKey(flow.key, this.#count))
      throw invalidRequest(
        `The id ${quote(id)} lies in another partition than the key of flow control ${quote(flow.key)}, whose jobs are all in one. Leave out the id, choose another key, or open the queue without partitions.`,
      );
    return index;
  }
}

/** What some partitions reply. It must reach the caller, whatever becomes of the others: what one of them gave is leased. */
class PartialReplies<Reply> {
  readonly #replies = new Map<number, Reply>();
  readonly #failures: unknown[] = [];

  /** Takes the reply of a partition; undefined if it fails. */
  async from(index: number, asked: Promise<Reply>): Promise<Reply | undefined> {
    try {
      const reply = await asked;
      this.#replies.set(index, reply);
      return reply;
    } catch (error) {
      this.#failures.push(error);
      return undefined;
    }
  }

  of(index: number): Reply | undefined {
    return this.#replies.get(index);
  }

  /** Why a partition did not reply. @throws that, if none did. */
  get failure(): { readonly failure?: unknown } {
    const [failure] = this.#failures;
    if (this.#failures.length > 0 && this.#replies.size === 0) throw failure;
    return this.#failures.length > 0 ? { failure } : {};
  }
}

class PartitionedQueue implements QueueStore {
  readonly local: LocalFacts;
  readonly #parts: readonly QueueStore[];
  /** When something is next due in each part; undefined where that is not known yet. */
  readonly #outlooks: (NextDue | undefined)[];
  /** When each part was looked at last by an exchange. */
  readonly #lookedAt = new Map<number, number>();
  #last: number;

  constructor(parts: readonly QueueStore[]) {
    this.#parts = parts;
    this.local = new PartitionedFacts(this.#at(0).local, parts.length);
    this.#outlooks = parts.map(() => undefined);
    // Drains that run at once begin in different places, most of the time.
    this.#last = Math.floor(Math.random() * parts.length);
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
    return this.#inParts(jobs, indexOf, (index, some) => this.#at(index).enqueue(some, now));
  }

  /** Hands each item to its part, and gives the answers in the order of the items. */
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
    const send = (index: number, settle: readonly Outcome[]) =>
      replies.from(index, this.#at(index).settle({ ...request, settle }));
    return { settled: await this.#settleInParts(request.settle, send), ...replies.failure };
  }

  async exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    const { now, fire, claim } = request;
    const target = this.#nextToClaim(now);
    const replies = new PartialReplies<ExchangeReply>();
    const send = async (index: number, settle: readonly Outcome[]) => {
      const part = { settle, fire: index === 0 ? fire : [], claim: index === target ? claim : undefined };
      const reply = await replies.from(index, this.#at(index).exchange({ ...request, ...part }));
      if (reply) this.#learn(index, reply, now);
      return reply;
    };
    const settlesIn = new Set(request.settle.map(({ lease }) => this.#indexOf(lease.id)));
    const rest = new Set([target, ...(fire.length > 0 ? [0] : [])]);
    const stale = this.#stale(now, claim).filter((index) => !rest.has(index));
    const [settled] = await Promise.all([
      this.#settleInParts(request.settle, send),
      ...[...rest].filter((index) => !settlesIn.has(index)).map((index) => send(index, [])),
      // Last, because the budget may have no room for it.
      ...stale.filter((index) => !settlesIn.has(index)).map((index) => this.#lookInPassing(index, now)),
    ]);
    const claimed = replies.of(target);
    return {
      ...this.#outlook(now),
      ...replies.failure,
      left: claimed?.left ?? 0,
      settled,
      fired: replies.of(0)?.fired ?? [],
      jobs: claimed?.jobs ?? [],
      schedules: claimed?.schedules ?? [],
    };
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
    this.#outlooks[index] = outlook;
    this.#lookedAt.set(index, now);
  }

  /** The parts of which the caller wants to know more than what was seen when they were looked at last. */
  #stale(now: number, claim: ClaimRequest | undefined): readonly number[] {
    if (!claim) return [];
    const { refreshAfterMs = Number.POSITIVE_INFINITY } = claim;
    return this.#parts.flatMap((_, index) => {
      const lookedAt = this.#lookedAt.get(index) ?? now;
      this.#lookedAt.set(index, lookedAt);
      return now - lookedAt >= refreshAfterMs ? index : [];
    });
  }

  /** What fails is done again by the next exchange: it must not take along what this one claims. */
  async #lookInPassing(index: number, now: number): Promise<void> {
    const outlook = await this.#at(index)
      .peek()
      .catch(() => undefined);
    if (outlook) this.#learn(index, outlook, now);
  }

  /** The part that was claimed from last while it has more, else the one that is due first; one never looked at may be. */
  #nextToClaim(now: number): number {
    const dueAt = (index: number) => {
      const outlook = this.#outlooks[index];
      return outlook ? (outlook.nextAt ?? Number.POSITIVE_INFINITY) : 0;
    };
    if (dueAt(this.#last) <= now) return this.#last;
    const indexes = this.#parts.map((_, index) => index);
    this.#last = indexes.reduce((first, index) => (dueAt(index) < dueAt(first) ? index : first), this.#last);
    return this.#last;
  }

  #outlook(now: number): NextDue {
    const moments = this.#outlooks.flatMap((outlook) => (outlook ? (outlook.nextAt ?? []) : now));
    return {
      paused: this.#outlooks.some((outlook) => outlook?.paused),
      nextAt: moments.length > 0 ? Math.min(...moments) : undefined,
    };
  }

  async partitions(): Promise<number> {
    return this.#parts.length;
  }

  async peek(): Promise<NextDue> {
    await this.#peekFrom(0);
    return this.#outlook(0);
  }

  async peekWithManifest(): Promise<NextDue & { readonly manifest: string | undefined }> {
    const [{ manifest, ...first }] = await Promise.all([this.#at(0).peekWithManifest(), this.#peekFrom(1)]);
    this.#outlooks[0] = first;
    return { ...this.#outlook(0), manifest };
  }

  async #peekFrom(first: number): Promise<void> {
    await Promise.all(
      this.#parts.slice(first).map(async (part, index) => {
        this.#outlooks[first + index] = await part.peek();
      }),
    );
  }

  extend(renewals: readonly LeaseRenewal[]): Promise<readonly (Lease | undefined)[]> {
    return this.#inParts(
      renewals,
      ({ lease }) => this.#indexOf(lease.id),
      (index, some) => this.#at(index).extend(some),
    );
  }

  find(id: string, now: number): Promise<StoredJob | undefined> {
    return this.#of(id).find(id, now);
  }

  /** Looks into one part alone: the answers of all at once would be larger than what one may be. */
  async findDead([first, ...others]: readonly string[], mostBytes: number): Promise<FoundDead> {
    if (first === undefined) return { jobs: [], rest: [] };
    const index = this.#indexOf(first);
    const isHere = (id: string) => this.#indexOf(id) === index;
    const { jobs, rest } = await this.#at(index).findDead([first, ...others.filter(isHere)], mostBytes);
    return { jobs, rest: [...rest, ...others.filter((id) => !isHere(id))] };
  }

  async list(state: JobState, { cursor, ...page }: PageRequest): Promise<Page<StoredJob>> {
    const { index, rest } = this.#place(cursor);
    const { items, cursor: next } = await this.#at(index).list(state, { ...page, cursor: rest });
    return { items, cursor: this.#after(index, next) };
  }

  /** Where a cursor stands: in a part, and there at the cursor of that part. */
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

  cancel(id: string, now: number): Promise<"cancelled" | "running" | "missing"> {
    return this.#of(id).cancel(id, now);
  }

  change(change: Change): Promise<boolean> {
    return this.#of(change.id).change(change);
  }

  revive(revivals: readonly Revival[], now: number): Promise<readonly boolean[]> {
    return this.#inParts(
      revivals,
      ({ id }) => this.#indexOf(id),
      (index, some) => this.#at(index).revive(some, now),
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

  async stats(now: number): Promise<StoredStats> {
    return sumOfStats(await Promise.all(this.#parts.map((part) => part.stats(now))));
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
}
