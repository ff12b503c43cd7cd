import type {
  FlowChange,
  FlowLimits,
  FlowState,
  JobFlow,
  NewFlow,
  PinnedLimit,
  PinnedLimits,
} from "../../core/store/flow.ts";
import { IN_LINE, LANE_MEMBER, markScore, scheduleScore, unpack, windowEnd } from "../../core/store/score.ts";
import type { SortedSet } from "./sorted-set.ts";

const nothingPinned: PinnedLimits = { concurrency: false, rate: false };
const unlimited: FlowLimits = { concurrency: 0, rate: 0, periodMs: 0, ordered: false };

/** How many jobs of a key that is no longer ordered give way at once. */
const MOST_MOVED = 16;

/** A job in the line of its key. */
interface Waiting {
  readonly id: string;
  readonly score: number;
  /**
   * Where it stands: by the order in which it was enqueued, or else by its score. As it joined, even if the key is no
   * longer ordered.
   */
  readonly place: number;
}

/**
 * What is known of one flow control key: its limits, its slots, and the line of jobs that wait for it. As in
 * lua/_lanes.lua.
 */
class Lane {
  readonly key: string;
  limits = unlimited;
  pinned = nothingPinned;
  isPaused = false;
  /** How many leases exist. One that has run out is a lease until its job is claimed again. */
  running = 0;
  /** When something was last started. */
  turn = 0;
  /** When the window closes, how long it is, and how many attempts have begun in it. */
  windowEndsAt = 0;
  windowMs = 0;
  started = 0;
  lastOrder = 0;
  readonly line: Waiting[] = [];

  constructor(key: string) {
    this.key = key;
  }

  /** Whether nothing need be known of it any more. */
  isForgotten(now: number): boolean {
    const { line, running, isPinned, isPaused, limits, windowEndsAt } = this;
    if (line.length > 0 || running > 0 || isPinned || isPaused) return false;
    return limits.rate === 0 || windowEndsAt <= now;
  }

  get isPinned(): boolean {
    return this.pinned.concurrency || this.pinned.rate;
  }

  get #places(): number {
    const { ordered, concurrency } = this.limits;
    if (ordered) return 1;
    return concurrency > 0 ? concurrency : Number.POSITIVE_INFINITY;
  }

  /** How many attempts may begin now. @param running how many leases exist. */
  free(now: number, running = this.running): number {
    if (this.isPaused) return 0;
    const { rate } = this.limits;
    const startedNow = now < this.windowEndsAt ? this.started : 0;
    const left = rate > 0 ? rate - startedNow : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(this.#places - running, left));
  }

  begin(now: number): void {
    this.running++;
    this.turn = Math.max(this.turn, now);
    // A window that was open when its rate was removed goes on: the rate may come back.
    if (this.limits.rate === 0 && now >= this.windowEndsAt) return;
    if (now >= this.windowEndsAt) {
      this.windowEndsAt = now + this.windowMs;
      this.started = 0;
    }
    this.started++;
  }

  /**
   * No attempt was made of a job that was claimed then: its start no longer counts, if the window is open in which it
   * did. A window in which nothing has started is closed.
   */
  takeBackStart(claimedAt: number): void {
    if (claimedAt < this.windowEndsAt - this.windowMs || claimedAt >= this.windowEndsAt) return;
    this.started = Math.max(0, this.started - 1);
    if (this.started === 0) this.windowEndsAt = 0;
  }

  /**
   * Sets the limits that are chosen. An open window goes on with the new period. Without a rate, what was known of the
   * last one stays.
   */
  limit({ concurrency, ordered, rate, periodMs }: FlowLimits, chosen: PinnedLimits, now: number): void {
    if (chosen.concurrency) this.limits = { ...this.limits, concurrency, ordered };
    if (!chosen.rate) return;
    if (rate > 0) {
      if (now < this.windowEndsAt) this.windowEndsAt += periodMs - this.windowMs;
      this.windowMs = periodMs;
    }
    this.limits = { ...this.limits, rate, periodMs };
  }

  /**
   * Brings back what a clock that was ahead has written: no turn is in the future, and no window ends much later than
   * its period.
   */
  bringBack(now: number): void {
    this.turn = Math.min(this.turn, now);
    this.windowEndsAt = windowEnd(this.windowEndsAt, now, this.windowMs);
  }

  closeWindow(): void {
    this.windowEndsAt = 0;
    this.started = 0;
  }

  /** When it can next start something, as a score; that of never if only an outcome, or a person, changes that. */
  get mark(): number {
    const [head] = this.line;
    if (!head || this.isPaused || this.running >= this.#places) return scheduleScore(undefined);
    const { rate, ordered } = this.limits;
    const first = ordered ? head.score : Math.min(head.place, head.score);
    const at = Math.max(unpack(first).at, this.turn);
    const waitsForWindow = rate > 0 && this.started >= rate && this.windowEndsAt > at;
    return waitsForWindow
      ? markScore(this.windowEndsAt, this.turn, this.windowMs)
      : markScore(at, this.turn, undefined);
  }

  /** In a key that is no longer ordered, a job at the head that waits for its run time gives way to the others. */
  findHead(): void {
    for (let moved = 0; moved < MOST_MOVED && !this.limits.ordered; moved++) {
      const [head] = this.line;
      if (!head || head.score <= head.place) return;
      this.line.shift();
      this.insert({ ...head, place: head.score });
    }
  }

  insert(waiting: Waiting): void {
    let at = this.line.length;
    while (at > 0 && isBehind(this.line[at - 1] as Waiting, waiting)) at--;
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

function isBehind(one: Waiting, other: Waiting): boolean {
  if (one.place !== other.place) return one.place > other.place;
  if (one.score !== other.score) return one.score > other.score;
  return one.id > other.id;
}

/**
 * Flow control. The jobs of a key wait in a line of their own, and the key itself stands in `due`, at the moment when
 * it can next start something. So what is held back costs nothing, and a claim that meets a key takes from the head of
 * its line.
 */
export class Lanes {
  readonly #due: SortedSet;
  readonly #lanes = new Map<string, Lane>();
  readonly #touched = new Set<Lane>();

  constructor(due: SortedSet) {
    this.#due = due;
  }

  get size(): number {
    return this.#lanes.size;
  }

  /**
   * Gives a job its place in the order of its key.
   *
   * @param setsLimits whether its limits hold from now on, unless the key's are pinned.
   * @param order the place that it has already; 0 for none.
   */
  join({ key, limits }: NewFlow, setsLimits: boolean, now: number, order = 0): JobFlow {
    const isNew = !this.#known(key, now);
    const lane = this.#look(key, now);
    const { concurrency, rate } = lane.pinned;
    if (setsLimits || isNew) lane.limit(limits, { concurrency: !concurrency, rate: !rate }, now);
    if (order > 0 || !lane.limits.ordered) return { key, limits, order };
    lane.lastOrder = Math.max(now * 1024, lane.lastOrder + 1);
    return { key, limits, order: lane.lastOrder };
  }

  /** Whether a new job may be leased at once: nobody is ahead of it, and the key has a place. */
  isFree({ key }: JobFlow, now: number): boolean {
    const lane = this.#open(key, now);
    return lane.line.length === 0 && lane.free(now) > 0;
  }

  /** Whether the place of a lease that has run out may be taken again. */
  mayStartAgain({ key, order }: JobFlow, now: number): boolean {
    const lane = this.#open(key, now);
    const [head] = lane.line;
    const isAhead = lane.limits.ordered && head !== undefined && head.place < order;
    return !isAhead && lane.free(now, lane.running - 1) > 0;
  }

  wait({ key, order }: JobFlow, id: string, score: number): void {
    const lane = this.#touch(key);
    lane.insert({ id, score, place: order > 0 && lane.limits.ordered ? order : score });
    this.#due.set(id, IN_LINE + score);
  }

  stopWaiting({ key }: JobFlow, id: string): void {
    this.#touch(key).remove(id);
  }

  begin({ key }: JobFlow, now: number): void {
    this.#look(key, now).begin(now);
  }

  /** The job of a lease that was given then ends without an attempt. */
  takeBackStart({ key }: JobFlow, claimedAt: number, now: number): void {
    this.#look(key, now).takeBackStart(claimedAt);
  }

  /** Brings back what a clock that was ahead has written of keys. */
  look(keys: readonly string[], now: number): void {
    for (const key of keys) this.#look(key, now);
  }

  end({ key }: JobFlow): void {
    const lane = this.#touch(key);
    lane.running = Math.max(0, lane.running - 1);
  }

  /**
   * Decides how many jobs each of the keys starts that a claim has met. Each gets one place, and what is left of the
   * batch goes round among them.
   *
   * @param room how many more the claim may take than it has met.
   */
  shares(keys: readonly string[], room: number, now: number): ReadonlyMap<string, number> {
    const most = new Map(
      keys.map((key) => {
        const lane = this.#look(key, now);
        return [key, Math.min(lane.free(now), lane.line.length)];
      }),
    );
    const shares = new Map(keys.map((key) => [key, Math.min(1, most.get(key) ?? 0)]));
    const lacking = (key: string) => (most.get(key) ?? 0) - (shares.get(key) ?? 0);
    let left = room + keys.filter((key) => shares.get(key) === 0).length;
    let hungry = keys.filter((key) => lacking(key) > 0);
    while (left > 0 && hungry.length > 0) {
      const each = Math.max(1, Math.floor(left / hungry.length));
      for (const key of hungry) {
        const more = Math.min(each, lacking(key), left);
        shares.set(key, (shares.get(key) ?? 0) + more);
        left -= more;
      }
      hungry = hungry.filter((key) => lacking(key) > 0);
    }
    return shares;
  }

  /** The first job of the line, if it may start now. */
  next(key: string, now: number): string | undefined {
    const lane = this.#open(key, now);
    const [head] = lane.line;
    return head && lane.free(now) > 0 && unpack(head.score).at <= now ? head.id : undefined;
  }

  change(key: string, change: FlowChange, now: number): void {
    const lane = this.#look(key, now);
    if (change.to === "set" || change.to === "unset") {
      const { to, only } = change;
      const chosen = { concurrency: only !== "rate", rate: only !== "concurrency" };
      if (to === "set") lane.limit(change.limits, chosen, now);
      const pin = (limit: PinnedLimit) => (chosen[limit] ? to === "set" : lane.pinned[limit]);
      lane.pinned = { concurrency: pin("concurrency"), rate: pin("rate") };
    } else if (change.to === "rateReset") lane.closeWindow();
    else lane.isPaused = change.to === "paused";
  }

  find(key: string, now: number): FlowState | undefined {
    return this.#known(key, now)?.state(now);
  }

  list(now: number): readonly FlowState[] {
    return [...this.#lanes.keys()].flatMap((key) => this.find(key, now) ?? []);
  }

  /** Moves the marks of the keys that have changed. A key of which nothing need be known any more goes. */
  putMarks(now: number): void {
    for (const lane of this.#touched) {
      lane.bringBack(now);
      lane.findHead();
      const { length } = lane.line;
      if (length === 0 && lane.running === 0 && !lane.isPaused && !lane.isPinned)
        this.#due.delete(LANE_MEMBER + lane.key);
      else this.#due.set(LANE_MEMBER + lane.key, lane.mark);
      if (lane.isForgotten(now)) this.#lanes.delete(lane.key);
    }
    this.#touched.clear();
  }

  #known(key: string, now: number): Lane | undefined {
    const lane = this.#lanes.get(key);
    if (!lane || this.#touched.has(lane) || !lane.isForgotten(now)) return lane;
    this.#lanes.delete(key);
    return undefined;
  }

  #open(key: string, now: number): Lane {
    const lane = this.#known(key, now) ?? new Lane(key);
    this.#lanes.set(key, lane);
    return lane;
  }

  /** Opens a lane, and brings back what a clock that was ahead has written of it. */
  #look(key: string, now: number): Lane {
    const lane = this.#open(key, now);
    lane.bringBack(now);
    this.#touched.add(lane);
    return lane;
  }

  /** The lane of a job that is stored: there is one. */
  #touch(key: string): Lane {
    const lane = this.#lanes.get(key) ?? new Lane(key);
    this.#lanes.set(key, lane);
    this.#touched.add(lane);
    return lane;
  }
}
