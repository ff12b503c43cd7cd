import { checkFlowKey, checkLimits, type FlowControlLimits } from "../job/flow-control.ts";
import { refuseReserved } from "../job/reserved.ts";
import type { Clock } from "../shared/clock.ts";
import { cursor, limit, optionsOf } from "../shared/schema.ts";
import type { FlowChange, FlowState } from "../store/flow.ts";
import type { QueueStore } from "../store/store.ts";

/** A flow control key: its limits, and what it does now. */
export interface FlowControlKey {
  /** What jobs share it by. */
  readonly key: string;
  /** How many jobs may run at once; null for any number. */
  readonly concurrency: number | null;
  /** How many attempts may begin in one window; null for any number. */
  readonly rate: number | null;
  /** How long a window is, in ms; null without a rate. */
  readonly period: number | null;
  /** Whether its jobs run in the order of enqueuing, one at a time. */
  readonly ordered: boolean;
  /**
   * How many jobs are running. One whose invocation crashed counts until its lease has run out and it was claimed
   * again.
   */
  readonly running: number;
  /** How many jobs wait, scheduled ones included. */
  readonly waiting: number;
  /** How many attempts have begun in the window that is open; 0 if none is. */
  readonly startedInWindow: number;
  /** When the window that is open closes; null if none is. */
  readonly windowEndsAt: Date | null;
  /** Whether its jobs wait until `resume`. */
  readonly paused: boolean;
  /** Whether its limits were set by `set`, and no enqueue changes them. */
  readonly pinned: boolean;
}

/** One page of keys. */
export interface FlowControlPage {
  /** In no order. */
  readonly keys: readonly FlowControlKey[];
  /** Where the next page begins; null on the last one. */
  readonly cursor: string | null;
}

/** Which keys to list. */
export interface FlowControlListOptions {
  /** The cursor of the page before. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000. Default 100. A page may hold fewer keys, or none, with more to come. */
  readonly limit?: number | undefined;
}

export const flowListOptions = optionsOf<FlowControlListOptions>("flowControl.list", { cursor, limit });

/** The flow control keys of a queue. */
export class FlowKeys {
  readonly #store: QueueStore;
  readonly #reader: QueueStore;
  readonly #clock: Clock;
  readonly #changed: () => void;

  /**
   * @internal
   * @param reader the same store, for reads: what they cost is counted apart.
   * @param changed is called when jobs may have become due.
   */
  constructor(store: QueueStore, reader: QueueStore, clock: Clock, changed: () => void) {
    this.#store = store;
    this.#reader = reader;
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Reads a key; null if no job of it waits or runs, it is neither paused nor pinned, and no window is open. */
  async get(key: string): Promise<FlowControlKey | null> {
    checkFlowKey(key, "key");
    const now = this.#clock();
    const state = await this.#reader.findFlow(key, now);
    return state ? shown(state, now) : null;
  }

  /** Lists the keys that `get` shows. */
  async list(options: FlowControlListOptions = {}): Promise<FlowControlPage> {
    const { cursor, limit = 100 } = flowListOptions.read(options);
    const now = this.#clock();
    const page = await this.#reader.listFlows({ cursor, limit, now });
    return { keys: page.items.map((state) => shown(state, now)), cursor: page.cursor ?? null };
  }

  /**
   * Replaces all limits of a key and pins them: no enqueue changes them, until `unset`. A limit that is left out is
   * none. Jobs that are running stay so.
   *
   * @returns the key, as it is now.
   * @throws {TidegateError} `invalid_request` for limits that contradict each other, and for a key of QStash's
   *   interface.
   */
  async set(key: string, limits: FlowControlLimits): Promise<FlowControlKey> {
    checkFlowKey(key, "key");
    const checked = checkLimits(limits);
    await this.#change(key, { to: "set", limits: checked });
    // Another caller may have let go of it in the meantime, and then nothing is known of an idle key.
    return (
      (await this.get(key)) ??
      shown({ ...idle, key, limits: checked, pinned: { concurrency: true, rate: true } }, this.#clock())
    );
  }

  /**
   * Lets go of the limits of a key: they hold until the next enqueue sets others. A key that is not pinned stays as it
   * is.
   *
   * @throws {TidegateError} `invalid_request` for a key of QStash's interface.
   */
  unset(key: string): Promise<void> {
    return this.#change(key, { to: "unset" });
  }

  /**
   * Keeps the jobs of a key from starting, until `resume`. Those that are running stay so, and more can be enqueued.
   */
  pause(key: string): Promise<void> {
    return this.#change(key, { to: "paused" });
  }

  /** Ends a pause of a key. Without one it changes nothing. */
  resume(key: string): Promise<void> {
    return this.#change(key, { to: "resumed" });
  }

  async #change(key: string, change: FlowChange): Promise<void> {
    checkFlowKey(key, "key");
    if (change.to === "set" || change.to === "unset") refuseReserved({ flowKey: key });
    await this.#store.changeFlow(key, change, this.#clock());
    this.#changed();
  }
}

const idle = { running: 0, waiting: 0, startedInWindow: 0, windowEndsAt: 0, paused: false, firstId: undefined };

function shown(state: FlowState, now: number): FlowControlKey {
  const { key, limits, running, waiting, startedInWindow, windowEndsAt, paused, pinned } = state;
  const isOpen = limits.rate > 0 && now < windowEndsAt;
  return {
    key,
    concurrency: limits.ordered ? 1 : limits.concurrency || null,
    rate: limits.rate || null,
    period: limits.periodMs || null,
    ordered: limits.ordered,
    running,
    waiting,
    startedInWindow: isOpen ? startedInWindow : 0,
    windowEndsAt: isOpen ? new Date(windowEndsAt) : null,
    paused,
    pinned: pinned.concurrency || pinned.rate,
  };
}
