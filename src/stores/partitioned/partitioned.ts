import { invalidRequest } from "../../core/shared/errors.ts";
import { fnv1a } from "../../core/shared/hash.ts";
import { wholeNumber } from "../../core/shared/validate.ts";
import type { Cost } from "../../core/store/meter.ts";
import { isSlotJobId } from "../../core/store/occurrence-id.ts";
import type { ManifestChange, SchedulePut, StoredSchedule } from "../../core/store/schedules.ts";
import type { StoredStats } from "../../core/store/stats.ts";
import {
  type Change,
  type ClearableState,
  checkStore,
  type EnqueueReply,
  type ExchangeReply,
  type ExchangeRequest,
  type ExchangeSize,
  type FoundDead,
  type JobState,
  type Lease,
  type NewJob,
  type Outlook,
  type Page,
  type PageRequest,
  type QueueStore,
  type Revival,
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
 * - Jobs run in order within a partition; all jobs of one `enqueueMany` without ids of their own are in one.
 * - Jobs with ids of their own are stored atomically for each partition, not all together. `dedupe` takes no id beside it.
 * - An idle tick costs one command, and one round trip, a partition; so does each `checkEvery` of a drain that jobs keep.
 * - A drain of n partitions needs `budget.roundTrips` of n + 6 at least, and `budget.commands` of 2 n + 31, else it throws: the
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

class PartitionedQueue implements QueueStore {
  readonly #parts: readonly QueueStore[];
  /** When something is next due in each part; undefined where that is not known yet. */
  readonly #outlooks: (Outlook | undefined)[];
  /** When each part was looked at last by an exchange. */
  readonly #lookedAt = new Map<number, number>();
  #last: number;

  constructor(parts: readonly QueueStore[]) {
    this.#parts = parts;
    this.#outlooks = parts.map(() => undefined);
    // Drains that run at once begin in different places, most of the time.
    this.#last = Math.floor(Math.random() * parts.length);
  }

  /** Each request that hands in something, fires or looks may go to a part of its own. */
  mostOfExchange({ settles = 0, fires = 0, firedJobs = 0, claims, repeated = false }: ExchangeSize): Cost {
    const most = (size: ExchangeSize) => this.#at(0).mostOfExchange({ ...size, repeated });
    const settling = times(most({ settles }), Math.min(settles, this.#parts.length));
    const others = [
      ...(fires > 0 ? [most({ fires, firedJobs })] : []),
      ...(claims === undefined ? [] : [most({ claims })]),
    ];
    const { roundTrips, commands } = [settling, ...others].reduce(plus);
    return { roundTrips: Math.min(roundTrips, this.#parts.length), commands };
  }

  get mostOfPartitions(): Cost {
    return this.#at(0).mostOfPartitions;
  }

  /** The first one of a process is preceded by the question over how many partitions the queue is spread. */
  get mostOfLook(): Cost {
    const { mostOfLook, mostOfPartitions } = this.#at(0);
    return plus(times(mostOfLook, this.#parts.length + 1), mostOfPartitions);
  }

  mostOfDeclaring(schedules: number): Cost {
    return this.#at(0).mostOfDeclaring(schedules);
  }

  /** Where a job is. Those that schedules make are where the schedules are. */
  #indexOf(id: string): number {
    return isSlotJobId(id) ? 0 : hash(id) % this.#parts.length;
  }

  #at(index: number): QueueStore {
    return this.#parts[index] as QueueStore;
  }

  #of(id: string): QueueStore {
    return this.#at(this.#indexOf(id));
  }

  idSource(newId: () => string): (dedupeKey?: string) => string {
    const target = Math.floor(Math.random() * this.#parts.length);
    return (dedupeKey) => {
      const wanted = dedupeKey === undefined ? target : hash(dedupeKey) % this.#parts.length;
      let id = newId();
      // Some tries a partition: what is left of chance after 50 is one in e^50, and then the id is merely stored elsewhere.
      for (let tries = 50 * this.#parts.length; tries > 0 && this.#indexOf(id) !== wanted; tries--) id = newId();
      return id;
    };
  }

  async enqueue(jobs: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]> {
    if (jobs.some((job) => job.dedupe && !job.isFreshId)) {
      throw invalidRequest("A partitioned queue takes dedupe only for jobs without an id of their own.");
    }
    const indexOf = (job: NewJob) => this.#indexOf(job.id);
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

  async exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    const target = this.#nextToClaim(request.now);
    const claimed = new Map<number, ExchangeReply>();
    const failures: unknown[] = [];
    const exchange = async (index: number, settle: ExchangeRequest["settle"]) => {
      const reply = await this.#at(index).exchange({
        ...request,
        settle,
        fire: index === 0 ? request.fire : [],
        limit: index === target ? request.limit : 0,
      });
      claimed.set(index, reply);
      if (request.looks !== false) this.#learn(index, reply, request.now);
      return reply.settled;
    };
    const settlesIn = new Set(request.settle.map(({ lease }) => this.#indexOf(lease.id)));
    // What one part has given is leased and must reach the drain, whatever becomes of the others.
    const attempt = (index: number, settle: ExchangeRequest["settle"]) =>
      exchange(index, settle).catch((error: unknown) => {
        failures.push(error);
        return settle.map(() => undefined);
      });
    const others = [...(request.looks === false ? [] : [target]), ...(request.fire.length > 0 ? [0] : [])];
    const rest = new Set(others);
    const stale = this.#stale(request).filter((index) => !rest.has(index));
    const [settled] = await Promise.all([
      this.#inParts(request.settle, ({ lease }) => this.#indexOf(lease.id), attempt),
      ...[...rest].filter((index) => !settlesIn.has(index)).map((index) => attempt(index, [])),
      // Last, as what the budget may have no room for.
      ...stale.filter((index) => !settlesIn.has(index)).map((index) => this.#lookInPassing(index, request.now)),
    ]);
    const [failure] = failures;
    if (failures.length > 0 && claimed.size === 0) throw failure;
    return {
      ...(request.looks === false ? { paused: false, nextAt: undefined } : this.#outlook(request.now)),
      ...(failures.length > 0 && { failure }),
      left: claimed.get(target)?.left ?? 0,
      settled,
      fired: claimed.get(0)?.fired ?? [],
      jobs: claimed.get(target)?.jobs ?? [],
      schedules: claimed.get(target)?.schedules ?? [],
    };
  }

  #learn(index: number, outlook: Outlook, now: number): void {
    this.#outlooks[index] = outlook;
    this.#lookedAt.set(index, now);
  }

  /** The parts of which the caller wants to know more than what was seen when they were looked at last. */
  #stale({ now, limit, freshMs = Number.POSITIVE_INFINITY }: ExchangeRequest): readonly number[] {
    if (limit === 0) return [];
    return this.#parts.flatMap((_, index) => {
      const lookedAt = this.#lookedAt.get(index) ?? now;
      this.#lookedAt.set(index, lookedAt);
      return now - lookedAt >= freshMs ? index : [];
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

  #outlook(now: number): Outlook {
    const moments = this.#outlooks.flatMap((outlook) => (outlook ? (outlook.nextAt ?? []) : now));
    return {
      paused: this.#outlooks.some((outlook) => outlook?.paused),
      nextAt: moments.length > 0 ? Math.min(...moments) : undefined,
    };
  }

  async partitions(): Promise<number> {
    return this.#parts.length;
  }

  async peek(): Promise<Outlook> {
    await this.#peekFrom(0);
    return this.#outlook(0);
  }

  async peekWithManifest(): Promise<Outlook & { readonly manifest: string | undefined }> {
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

  extend(lease: Lease, endsAt: number, record?: string): Promise<Lease | undefined> {
    return this.#of(lease.id).extend(lease, endsAt, record);
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

  revive(revivals: readonly Revival[]): Promise<readonly boolean[]> {
    return this.#inParts(
      revivals,
      ({ id }) => this.#indexOf(id),
      (index, some) => this.#at(index).revive(some),
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
