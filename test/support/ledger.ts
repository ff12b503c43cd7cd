import type { ScheduleChange } from "../../src/core/store/schedules.ts";
import type {
  EnqueueReply,
  ExchangeReply,
  ExchangeRequest,
  Fire,
  Lease,
  Outcome,
  SettleReply,
  SettleRequest,
  Store,
} from "../../src/core/store/store.ts";
import { aroundStore, type PortCall } from "./around-calls.ts";

type Counts = Partial<Record<Outcome["to"], number>>;

const textOf = ({ id, claims, endsAt }: Lease) => `${id} ${claims} ${endsAt}`;

/** Records the answers of a store, independently of it: what its counters must say, and which leases it has given. */
export class Ledger {
  enqueued = 0;
  /** How many of each outcome were accepted. */
  readonly totals: Counts = {};
  /** Counted by the minute since 1970 in which it was settled. */
  readonly minutes = new Map<number, Counts>();
  /** Ids of jobs that the store has accepted, including those of schedules. */
  readonly accepted = new Set<string>();
  /** Leases that were given twice: there must be none. */
  readonly doubledLeases: string[] = [];
  /** Occurrences that made a job twice: there must be none, while their schedule exists. */
  readonly doubledSlots: string[] = [];
  readonly #leases = new Set<string>();
  /** The occurrences that fired, by the keys of their schedules. */
  readonly #slots = new Map<string, Set<string>>();
  readonly #ended = new Set<string>();

  /** The same store, with each answer recorded. */
  watch(store: Store): Store {
    return aroundStore(store, async (call, run) => {
      const answer = await run();
      this.#note(call, answer);
      return answer;
    });
  }

  #note({ method, parameters }: PortCall, answer: unknown): void {
    if (method === "enqueue") this.#enqueued(answer as readonly EnqueueReply[]);
    if (method === "settle") this.#settled(parameters[0] as SettleRequest, answer as SettleReply);
    if (method === "exchange") this.#exchanged(parameters[0] as ExchangeRequest, answer as ExchangeReply);
    if (method === "changeSchedules" && answer)
      for (const key of (parameters[0] as ScheduleChange).remove ?? []) this.#slots.delete(key);
    if (method === "extend" && answer) this.#leases.add(textOf(answer as Lease));
  }

  #enqueued(replies: readonly EnqueueReply[]): void {
    for (const { status, id, lease } of replies) {
      if (status === "enqueued") this.#accept(id);
      if (lease) this.#lease(lease);
    }
  }

  #settled(request: SettleRequest, reply: SettleReply): void {
    request.settle.forEach((outcome, index) => {
      if (reply.settled[index]) this.#settle(outcome, request.now);
    });
  }

  #exchanged(request: ExchangeRequest, reply: ExchangeReply): void {
    this.#settled(request, reply);
    request.fire.forEach((fire, index) => {
      if (reply.fired[index] === "fired") this.#fire(fire);
    });
    for (const { lease, isFired } of reply.jobs) {
      this.#lease(lease);
      if (isFired) this.#makes(lease.id.slice(0, lease.id.lastIndexOf("@")), lease.id);
    }
  }

  #fire({ key, jobs }: Fire): void {
    for (const { id } of jobs) this.#makes(key, id);
  }

  #makes(key: string, id: string): void {
    const fired = this.#slots.get(key) ?? new Set();
    this.#slots.set(key, fired);
    if (fired.has(id)) this.doubledSlots.push(id);
    fired.add(id);
    this.#accept(id);
  }

  /**
   * An id that was free again is another job's: with the clock set back, even its leases may look like those of the
   * first.
   */
  #accept(id: string): void {
    this.enqueued++;
    if (this.accepted.has(id)) {
      for (const leases of [this.#leases, this.#ended])
        for (const text of leases) if (text.startsWith(`${id} `)) leases.delete(text);
    }
    this.accepted.add(id);
  }

  #lease(lease: Lease): void {
    const text = textOf(lease);
    if (this.#leases.has(text)) this.doubledLeases.push(text);
    this.#leases.add(text);
  }

  /** An outcome that is sent again because its answer was lost counts once. */
  #settle({ to, lease, followUps = [] }: Outcome, now: number): void {
    for (const { id } of followUps) if (!this.accepted.has(id)) this.#accept(id);
    const text = textOf(lease);
    if (this.#ended.has(text)) return;
    this.#ended.add(text);
    const minute = Math.floor(now / 60_000);
    const counts = this.minutes.get(minute) ?? {};
    this.minutes.set(minute, counts);
    for (const each of [counts, this.totals]) each[to] = (each[to] ?? 0) + 1;
  }
}
