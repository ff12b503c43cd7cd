import {
  type FlowChange,
  type FlowLimits,
  type FlowState,
  type JobFlow,
  type NewFlow,
  type PinnedLimit,
  type PinnedLimits,
  tenthsOf,
} from "../../core/store/flow.ts";
import { FLOW_KEY_MEMBER, IN_LINE, markScore, scheduleScore, unpack, windowEnd } from "../../core/store/score.ts";
import type { Run, RunLimits } from "../../core/store/store.ts";
import type { SortedSet } from "./sorted-set.ts";

const nothingPinned: PinnedLimits = { concurrency: false, rate: false };
const unlimited: FlowLimits = { concurrency: 0, rate: 0, periodMs: 0, ordered: false };

/** How many jobs at the head of a line give way at once if their key is no longer ordered. */
const MOST_MOVED = 16;

interface LineEntry {
  readonly id: string;
  readonly score: number;
  /** By what it is ordered: as it was enqueued, or its score. It stays, even if the key is no longer ordered. */
  readonly position: number;
}

/** One flow control key: its limits, its slots, and its line of waiting jobs. As in lua/_lanes.lua. */
class FlowKey {
  readonly key: string;
  limits = unlimited;
  pinned = nothingPinned;
  isPaused = false;
  /** How many slots are taken. An expired lease counts until its job is claimed again. */
  running = 0;
  /** How many claimed jobs wait for a slot of their run, by the ends of their leases. */
  readonly waiting = new Map<number, number>();
  /** How long a job takes on average, in tenths of a ms; undefined before the first one has ended. */
  #pace: number | undefined;
  startedAt = 0;
  /** When the window closes, its length, and how many attempts have started in it. */
  windowEndsAt = 0;
  windowMs = 0;
  started = 0;
  lastOrder = 0;
  readonly line: LineEntry[] = [];

  constructor(key: string) {
    this.key = key;
  }

  isForgotten(now: number): boolean {
    return this.isIdle && (this.limits.rate === 0 || this.windowEndsAt <= now);
  }

  get isIdle(): boolean {
    const { line, running, waiting, isPinned, isPaused } = this;
    return line.length === 0 && running === 0 && waiting.size === 0 && !isPinned && !isPaused;
  }

  get isPinned(): boolean {
    return this.pinned.concurrency || this.pinned.rate;
  }

  get #slots(): number {
    const { ordered, concurrency } = this.limits;
    if (ordered) return 1;
    return concurrency > 0 ? concurrency : Number.POSITIVE_INFINITY;
  }

  get hasLimitedSlots(): boolean {
    return this.#slots < Number.POSITIVE_INFINITY;
  }

  startable(now: number): number {
    if (this.isPaused) return 0;
    const { rate } = this.limits;
    const startedNow = now < this.windowEndsAt ? this.started : 0;
    return rate > 0 ? Math.max(0, rate - startedNow) : Number.POSITIVE_INFINITY;
  }

  /** How many slots may be taken now. @param running how many are taken. */
  free(now: number, running = this.running): number {
    return Math.max(0, Math.min(this.#slots - running, this.startable(now)));
  }

  /**
   * How many jobs a slot may take: those that `ms` are enough for, but no more than its part of those not begun. A slot
   * takes what is done in an eighth of that time alone: sharing it would cost more requests.
   */
  perSlot({ ms, jobMs }: RunLimits): number {
    const pace = this.#pace ?? (jobMs === undefined ? undefined : tenthsOf(jobMs));
    if (pace === undefined) return 1;
    const unbegun = [...this.waiting.values()].reduce((sum, count) => sum + count, this.line.length);
    const most = Math.floor((ms * 10) / Math.max(pace, 1));
    return Math.max(1, Math.min(most, Math.max(Math.ceil(unbegun / this.#slots), Math.floor(most / 8))));
  }

  notePace(ms: number): void {
    this.#pace = this.#pace === undefined ? 10 * ms : Math.floor((7 * this.#pace + 10 * ms) / 8 + 0.5);
  }

  /** A job is leased until `endsAt`. @returns whether it waits, since no slot is free. */
  begin(now: number, endsAt: number): boolean {
    const waitsForSlot = this.running >= this.#slots;
    if (waitsForSlot) this.waiting.set(endsAt, (this.waiting.get(endsAt) ?? 0) + 1);
    else this.running++;
    this.startedAt = Math.max(this.startedAt, now);
    // A window that was open when its rate was removed continues: the rate may come back.
    if (this.limits.rate === 0 && now >= this.windowEndsAt) return waitsForSlot;
    if (now >= this.windowEndsAt) {
      this.windowEndsAt = now + this.windowMs;
      this.started = 0;
    }
    this.started++;
    return waitsForSlot;
  }

  /** A lease until `endsAt` is over. Of those with the same end, the ones that wait go first: a run keeps its slots. */
  end(endsAt: number): void {
    const waiting = this.waiting.get(endsAt);
    if (waiting === undefined) this.running = Math.max(0, this.running - 1);
    else if (waiting > 1) this.waiting.set(endsAt, waiting - 1);
    else this.waiting.delete(endsAt);
  }

  /** A job leaves its run, and takes a slot of its own, even beyond the limit: its run keeps the others. */
  leaveRun(endsAt: number): void {
    if (!this.waiting.has(endsAt)) return;
    this.end(endsAt);
    this.running++;
  }

  isAwaited(now: number): boolean {
    const [head] = this.line;
    return head !== undefined && unpack(head.score).at <= now && this.startable(now) > 0 && this.free(now) === 0;
  }

  /** A job claimed then made no attempt: its start does not count. A window without starts is closed. */
  takeBackStart(claimedAt: number): void {
    if (claimedAt < this.windowEndsAt - this.windowMs || claimedAt >= this.windowEndsAt) return;
    this.started = Math.max(0, this.started - 1);
    if (this.started === 0) this.windowEndsAt = 0;
  }

  /** Sets the chosen limits. An open window continues with the new period. Without a rate, the last window stays. */
  limit({ concurrency, ordered, rate, periodMs }: FlowLimits, chosen: PinnedLimits, now: number): void {
    if (chosen.concurrency) this.limits = { ...this.limits, concurrency, ordered };
    if (!chosen.rate) return;
    if (rate > 0) {
      if (now < this.windowEndsAt) this.windowEndsAt += periodMs - this.windowMs;
      this.windowMs = periodMs;
    }
    this.limits = { ...this.limits, rate, periodMs };
  }

  /** Corrects what a clock that was ahead has written: no start is in the future, and no window ends much too late. */
  correct(now: number): void {
    this.startedAt = Math.min(this.startedAt, now);
    this.windowEndsAt = windowEnd(this.windowEndsAt, now, this.windowMs);
  }

  /**
   * When the window closes in which a claim at `now` has counted. A clock that is ahead may have opened a later one.
   */
  windowOf(now: number): number {
    const { windowEndsAt, windowMs } = this;
    return windowEndsAt > now + windowMs ? windowEndsAt - windowMs : windowEndsAt;
  }

  closeWindow(): void {
    this.windowEndsAt = 0;
    this.started = 0;
  }

  /** When it can next start a job, as a score: that of never while it is paused, has no free slot or no line. */
  get mark(): number {
    const [head] = this.line;
    if (!head || this.isPaused || this.running >= this.#slots) return scheduleScore(undefined);
    const { rate, ordered } = this.limits;
    const first = ordered ? head.score : Math.min(head.position, head.score);
    const at = Math.max(unpack(first).at, this.startedAt);
    const waitsForWindow = rate > 0 && this.started >= rate && this.windowEndsAt > at;
    return waitsForWindow
      ? markScore(this.windowEndsAt, this.startedAt, this.windowMs)
      : markScore(at, this.startedAt, undefined);
  }

  /** In a key that is no longer ordered, a job at the head that waits for its run time gives way to the others. */
  findHead(): void {
    for (let moved = 0; moved < MOST_MOVED && !this.limits.ordered; moved++) {
      const [head] = this.line;
      if (!head || head.score <= head.position) return;
      this.line.shift();
      this.insert({ ...head, position: head.score });
    }
  }

  insert(waiting: LineEntry): void {
    let at = this.line.length;
    while (at > 0 && isBehind(this.line[at - 1] as LineEntry, waiting)) at--;
    this.line.splice(at, 0, waiting);
  }

  remove(id: string): void {
    const at = this.line.findIndex((waiting) => waiting.id === id);
    if (at >= 0) this.line.splice(at, 1);
  }

  state(now: number): FlowState {
    const { key, limits, running, line, started, windowEndsAt, windowMs, isPaused, pinned } = this;
    return {
      key,
      limits: { ...limits, periodMs: limits.rate > 0 ? windowMs : 0 },
      running,
      waiting: line.length,
      startedInWindow: started,
      windowEndsAt: windowEnd(windowEndsAt, now, windowMs),
      paused: isPaused,
      pinned,
      firstId: line[0]?.id,
    };
  }
}

function isBehind(one: LineEntry, other: LineEntry): boolean {
  if (one.position !== other.position) return one.position > other.position;
  if (one.score !== other.score) return one.score > other.score;
  return one.id > other.id;
}

/**
 * Flow control. The jobs of a key wait in a line of their own, and the key itself is in `due`, at the time when it can
 * next start a job. So held-back jobs cost nothing, and a claim that meets a key takes jobs from the head of its line.
 */
export class FlowControl {
  readonly #due: SortedSet;
  readonly #keys = new Map<string, FlowKey>();
  readonly #touched = new Set<FlowKey>();

  constructor(due: SortedSet) {
    this.#due = due;
  }

  /** Gives a job its place in the order. @param setsLimits unless the key's are pinned. @param order a known place. */
  join({ key, limits }: NewFlow, setsLimits: boolean, now: number, order = 0): JobFlow {
    const isNew = !this.#known(key, now);
    const flowKey = this.openAndCorrect(key, now);
    const { concurrency, rate } = flowKey.pinned;
    if (setsLimits || isNew) flowKey.limit(limits, { concurrency: !concurrency, rate: !rate }, now);
    if (order > 0 || !flowKey.limits.ordered) return { key, limits, order };
    flowKey.lastOrder = Math.max(now * 1024, flowKey.lastOrder + 1);
    return { key, limits, order: flowKey.lastOrder };
  }

  /** Whether a new job may be leased at once: no job waits, and the key has a free slot. */
  isFree({ key }: JobFlow, now: number): boolean {
    const flowKey = this.#open(key, now);
    return flowKey.line.length === 0 && flowKey.free(now) > 0;
  }

  /** Whether the job of a lease that has expired, at `endsAt`, may keep its slot, if it has one. */
  mayStartAgain({ key, order }: JobFlow, now: number, endsAt: number): boolean {
    const flowKey = this.#open(key, now);
    const [head] = flowKey.line;
    const isAhead = flowKey.limits.ordered && head !== undefined && head.position < order;
    return !isAhead && !flowKey.waiting.has(endsAt) && flowKey.free(now, flowKey.running - 1) > 0;
  }

  wait({ key, order }: JobFlow, id: string, score: number): void {
    const flowKey = this.touch(key);
    flowKey.insert({ id, score, position: order > 0 && flowKey.limits.ordered ? order : score });
    this.#due.set(id, IN_LINE + score);
  }

  /**
   * How many jobs of each of these keys the claim takes: one, and a share of the rest, up to `room`. A key whose slots
   * are limited gets only what the others leave once the caller can start no more.
   */
  shares(keys: readonly string[], room: number, now: number, runs: RunLimits | undefined): ReadonlyMap<string, number> {
    const most = new Map(
      keys.map((key) => {
        const flowKey = this.openAndCorrect(key, now);
        const jobs = flowKey.free(now) * (runs ? flowKey.perSlot(runs) : 1);
        return [key, Math.min(jobs, flowKey.startable(now), flowKey.line.length)];
      }),
    );
    const shares = new Map<string, number>();
    let { startable = Number.POSITIVE_INFINITY } = runs ?? {};
    for (const key of keys) {
      const isLimited = this.#open(key, now).hasLimitedSlots;
      const share = isLimited && startable === 0 ? 0 : Math.min(1, most.get(key) ?? 0);
      if (isLimited) startable -= share;
      shares.set(key, share);
    }
    const lacking = (key: string) => (most.get(key) ?? 0) - (shares.get(key) ?? 0);
    const later = keys.filter((key) => shares.get(key) === 0);
    let left = room + later.length;
    let hungry = keys.filter((key) => lacking(key) > 0 && !later.includes(key));
    while (left > 0 && hungry.length > 0) {
      const each = Math.max(1, Math.floor(left / hungry.length));
      for (const key of hungry) {
        const more = Math.min(each, lacking(key), left);
        shares.set(key, (shares.get(key) ?? 0) + more);
        left -= more;
      }
      hungry = hungry.filter((key) => lacking(key) > 0);
    }
    for (const key of later) {
      const share = Math.min(lacking(key), left);
      shares.set(key, share);
      left -= share;
    }
    return shares;
  }

  /** The first jobs of the line, as far as they are due. */
  first(key: string, count: number, now: number): readonly string[] {
    const first = this.#open(key, now).line.slice(0, count);
    const notDue = first.findIndex(({ score }) => unpack(score).at > now);
    return first.slice(0, notDue < 0 ? count : notDue).map(({ id }) => id);
  }

  /** Whether another job may be claimed. @param waitsForSlot whether it needs none yet. */
  mayClaim(key: string, now: number, waitsForSlot: boolean): boolean {
    const flowKey = this.#open(key, now);
    return flowKey.free(now) > 0 || (waitsForSlot && flowKey.startable(now) > 0);
  }

  /** What a claim says of a key. @param slots how many of its jobs may run at once, if not all. */
  runOf(key: string, slots: number | undefined, now: number): Run | undefined {
    const flowKey = this.#open(key, now);
    const run = {
      slots,
      beginsBefore: flowKey.limits.rate > 0 ? flowKey.windowOf(now) : undefined,
      isAwaited: flowKey.isAwaited(now) || undefined,
    };
    return Object.values(run).some((value) => value !== undefined) ? run : undefined;
  }

  change(key: string, change: FlowChange, now: number): boolean {
    const flowKey = this.openAndCorrect(key, now);
    const wasPaused = flowKey.isPaused;
    switch (change.to) {
      case "set":
      case "unset": {
        const { to, only } = change;
        const chosen = { concurrency: only !== "rate", rate: only !== "concurrency" };
        if (to === "set") flowKey.limit(change.limits, chosen, now);
        const pin = (limit: PinnedLimit) => (chosen[limit] ? to === "set" : flowKey.pinned[limit]);
        flowKey.pinned = { concurrency: pin("concurrency"), rate: pin("rate") };
        break;
      }
      case "rateReset":
        flowKey.closeWindow();
        break;
      case "paused":
      case "resumed":
        flowKey.isPaused = change.to === "paused";
        break;
      default:
        change satisfies never;
    }
    return wasPaused;
  }

  find(key: string, now: number): FlowState | undefined {
    return this.#known(key, now)?.state(now);
  }

  list(now: number): readonly FlowState[] {
    return [...this.#keys.keys()].flatMap((key) => this.find(key, now) ?? []);
  }

  /** Moves the keys that have changed in `due`, and deletes those that are no longer needed. */
  putMarks(now: number): void {
    for (const flowKey of this.#touched) {
      flowKey.correct(now);
      flowKey.findHead();
      if (flowKey.isIdle) this.#due.delete(FLOW_KEY_MEMBER + flowKey.key);
      else this.#due.set(FLOW_KEY_MEMBER + flowKey.key, flowKey.mark);
      if (flowKey.isForgotten(now)) this.#keys.delete(flowKey.key);
    }
    this.#touched.clear();
  }

  #known(key: string, now: number): FlowKey | undefined {
    const flowKey = this.#keys.get(key);
    if (!flowKey || this.#touched.has(flowKey) || !flowKey.isForgotten(now)) return flowKey;
    this.#keys.delete(key);
    return undefined;
  }

  #open(key: string, now: number): FlowKey {
    const flowKey = this.#known(key, now) ?? new FlowKey(key);
    this.#keys.set(key, flowKey);
    return flowKey;
  }

  /** A key to change, after what a clock that was ahead has written is corrected. */
  openAndCorrect(key: string, now: number): FlowKey {
    const flowKey = this.#open(key, now);
    flowKey.correct(now);
    this.#touched.add(flowKey);
    return flowKey;
  }

  touch(key: string): FlowKey {
    const flowKey = this.#keys.get(key) ?? new FlowKey(key);
    this.#keys.set(key, flowKey);
    this.#touched.add(flowKey);
    return flowKey;
  }
}
