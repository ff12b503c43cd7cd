import type {
  FlowChange,
  FlowLimits,
  FlowState,
  JobFlow,
  NewFlow,
  PinnedLimit,
  PinnedLimits,
} from "../../core/store/flow.ts";
import { FLOW_KEY_MEMBER, IN_LINE, markScore, scheduleScore, unpack, windowEnd } from "../../core/store/score.ts";
import type { SortedSet } from "./sorted-set.ts";

const nothingPinned: PinnedLimits = { concurrency: false, rate: false };
const unlimited: FlowLimits = { concurrency: 0, rate: 0, periodMs: 0, ordered: false };

/** How many jobs at the head of a line give way at once if their key is no longer ordered. */
const MOST_MOVED = 16;

interface Waiting {
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
  /** How many leases exist. An expired one counts until its job is claimed again. */
  running = 0;
  startedAt = 0;
  /** When the window closes, its length, and how many attempts have started in it. */
  windowEndsAt = 0;
  windowMs = 0;
  started = 0;
  lastOrder = 0;
  readonly line: Waiting[] = [];

  constructor(key: string) {
    this.key = key;
  }

  /** Whether it can be deleted. */
  isForgotten(now: number): boolean {
    const { line, running, isPinned, isPaused, limits, windowEndsAt } = this;
    if (line.length > 0 || running > 0 || isPinned || isPaused) return false;
    return limits.rate === 0 || windowEndsAt <= now;
  }

  get isPinned(): boolean {
    return this.pinned.concurrency || this.pinned.rate;
  }

  get #slots(): number {
    const { ordered, concurrency } = this.limits;
    if (ordered) return 1;
    return concurrency > 0 ? concurrency : Number.POSITIVE_INFINITY;
  }

  /** How many attempts may start now. @param running how many leases exist. */
  free(now: number, running = this.running): number {
    if (this.isPaused) return 0;
    const { rate } = this.limits;
    const startedNow = now < this.windowEndsAt ? this.started : 0;
    const left = rate > 0 ? rate - startedNow : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(this.#slots - running, left));
  }

  begin(now: number): void {
    this.running++;
    this.startedAt = Math.max(this.startedAt, now);
    // A window that was open when its rate was removed goes on: the rate may come back.
    if (this.limits.rate === 0 && now >= this.windowEndsAt) return;
    if (now >= this.windowEndsAt) {
      this.windowEndsAt = now + this.windowMs;
      this.started = 0;
    }
    this.started++;
  }

  /** A job claimed then made no attempt: its start does not count. A window without starts is closed. */
  takeBackStart(claimedAt: number): void {
    if (claimedAt < this.windowEndsAt - this.windowMs || claimedAt >= this.windowEndsAt) return;
    this.started = Math.max(0, this.started - 1);
    if (this.started === 0) this.windowEndsAt = 0;
  }

  /** Sets the chosen limits. An open window goes on with the new period. Without a rate, the last window stays. */
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

  closeWindow(): void {
    this.windowEndsAt = 0;
    this.started = 0;
  }

  /** When it can next start a job, as a score: that of never if only an outcome, or a person, changes that. */
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

  get size(): number {
    return this.#keys.size;
  }

  /** Gives a job its place in the order. @param setsLimits unless the key's are pinned. @param order a known place. */
  join({ key, limits }: NewFlow, setsLimits: boolean, now: number, order = 0): JobFlow {
    const isNew = !this.#known(key, now);
    const flowKey = this.#openAndCorrect(key, now);
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

  /** Whether the job of an expired lease may keep its slot. */
  mayStartAgain({ key, order }: JobFlow, now: number): boolean {
    const flowKey = this.#open(key, now);
    const [head] = flowKey.line;
    const isAhead = flowKey.limits.ordered && head !== undefined && head.position < order;
    return !isAhead && flowKey.free(now, flowKey.running - 1) > 0;
  }

  wait({ key, order }: JobFlow, id: string, score: number): void {
    const flowKey = this.#touch(key);
    flowKey.insert({ id, score, position: order > 0 && flowKey.limits.ordered ? order : score });
    this.#due.set(id, IN_LINE + score);
  }

  stopWaiting({ key }: JobFlow, id: string): void {
    this.#touch(key).remove(id);
  }

  begin({ key }: JobFlow, now: number): void {
    this.#openAndCorrect(key, now).begin(now);
  }

  /** A job that was claimed then ends without an attempt. */
  takeBackStart({ key }: JobFlow, claimedAt: number, now: number): void {
    this.#openAndCorrect(key, now).takeBackStart(claimedAt);
  }

  /** Corrects what a clock that was ahead has written. */
  correct(keys: readonly string[], now: number): void {
    for (const key of keys) this.#openAndCorrect(key, now);
  }

  end({ key }: JobFlow): void {
    const flowKey = this.#touch(key);
    flowKey.running = Math.max(0, flowKey.running - 1);
  }

  /** How many jobs each met key starts: one, and a share of the rest. @param room how many more the claim may take. */
  shares(keys: readonly string[], room: number, now: number): ReadonlyMap<string, number> {
    const most = new Map(
      keys.map((key) => {
        const flowKey = this.#openAndCorrect(key, now);
        return [key, Math.min(flowKey.free(now), flowKey.line.length)];
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
    const flowKey = this.#open(key, now);
    const [head] = flowKey.line;
    return head && flowKey.free(now) > 0 && unpack(head.score).at <= now ? head.id : undefined;
  }

  change(key: string, change: FlowChange, now: number): void {
    const flowKey = this.#openAndCorrect(key, now);
    if (change.to === "set" || change.to === "unset") {
      const { to, only } = change;
      const chosen = { concurrency: only !== "rate", rate: only !== "concurrency" };
      if (to === "set") flowKey.limit(change.limits, chosen, now);
      const pin = (limit: PinnedLimit) => (chosen[limit] ? to === "set" : flowKey.pinned[limit]);
      flowKey.pinned = { concurrency: pin("concurrency"), rate: pin("rate") };
    } else if (change.to === "rateReset") flowKey.closeWindow();
    else flowKey.isPaused = change.to === "paused";
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
      const { length } = flowKey.line;
      if (length === 0 && flowKey.running === 0 && !flowKey.isPaused && !flowKey.isPinned)
        this.#due.delete(FLOW_KEY_MEMBER + flowKey.key);
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

  #openAndCorrect(key: string, now: number): FlowKey {
    const flowKey = this.#open(key, now);
    flowKey.correct(now);
    this.#touched.add(flowKey);
    return flowKey;
  }

  /** The key of a stored job: it exists. */
  #touch(key: string): FlowKey {
    const flowKey = this.#keys.get(key) ?? new FlowKey(key);
    this.#keys.set(key, flowKey);
    this.#touched.add(flowKey);
    return flowKey;
  }
}
