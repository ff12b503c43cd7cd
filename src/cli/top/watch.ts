import { sleep, systemClock } from "../../core/shared/clock.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import type { Allowance } from "../../core/shared/poll-allowance.ts";
import { counted } from "../output/text.ts";
import type { Session } from "../session.ts";
import type { Target } from "../target.ts";
import { commandsPerHour, frameOf, type Refresh } from "./frame.ts";
import { type Key, readKeys } from "./keys.ts";
import { Screen } from "./screen.ts";
import { type Snapshot, type Snapshots, waitBeforeRefresh } from "./snapshots.ts";
import { firstView, viewAfter } from "./view.ts";

export interface Pace {
  readonly everyMs: number;
  /** Undefined if the user has chosen the pace, and so its cost. */
  readonly allowance: Allowance | undefined;
}

const LONGEST_SLEEP_MS = 3_600_000;

/** Refreshes a screen, or prints snapshots as JSON, until the user ends it. */
export class Watch {
  readonly #target: Target;
  readonly #snapshots: Snapshots;
  readonly #pace: Pace;
  readonly #session: Session;
  readonly #clock: () => number;
  readonly #ended = new AbortController();
  #screen: Screen | undefined;
  #last: Snapshot | undefined;
  #refresh: Refresh = {};
  #view = firstView;
  /** How many refreshes in a row found no change, and how many failed. */
  #quiet = 0;
  #failures = 0;
  /** The cost of the last refresh that found a change. */
  #cost = 0;
  /** Whether the user has asked for the next refresh. */
  #isAsked = true;
  #woken = new AbortController();

  constructor(target: Target, snapshots: Snapshots, pace: Pace, session: Session) {
    this.#target = target;
    this.#snapshots = snapshots;
    this.#pace = pace;
    this.#session = session;
    this.#clock = session.io.clock ?? systemClock;
  }

  /** Resolves when the user or the signal ends it. The terminal is then as it was, also after an error. */
  async run(interruption: AbortSignal): Promise<void> {
    const { io, isJson } = this.#session;
    const signal = AbortSignal.any([interruption, this.#ended.signal]);
    const interrupted = new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
    this.#screen = isJson ? undefined : new Screen(io.stdout);
    const closeKeys = this.#screen && readKeys(io, (key) => this.#press(key));
    try {
      while (!signal.aborted) {
        const isAsked = this.#isAsked;
        this.#isAsked = false;
        // Ctrl-C does not wait for a response.
        const next = await Promise.race([this.#next(), interrupted]);
        if (next === undefined) return;
        this.#take(next, isAsked, closeKeys !== undefined);
        await this.#wait(signal);
      }
    } finally {
      closeKeys?.();
      this.#screen?.close();
    }
  }

  /** A snapshot, or the message of a failure that may pass. @throws any other error, and any of the first snapshot */
  async #next(): Promise<Snapshot | string> {
    try {
      return await this.#snapshots.next();
    } catch (error) {
      if (this.#last && isTidegateError(error) && error.code === "store_unavailable") return error.message;
      throw error;
    }
  }

  #take(next: Snapshot | string, isAsked: boolean, hasKeys: boolean): void {
    const { everyMs, allowance } = this.#pace;
    const now = this.#clock();
    const failure = typeof next === "string" ? next : undefined;
    this.#failures = failure === undefined ? 0 : this.#failures + 1;
    if (typeof next !== "string") {
      this.#quiet = this.#last && isSame(this.#last, next) ? this.#quiet + 1 : 0;
      if (this.#quiet === 0) this.#cost = next.commands;
      allowance?.spend(next.commands, now, isAsked);
      this.#last = next;
    }
    const queues = this.#last?.queues ?? [];
    const usualMs = waitBeforeRefresh(everyMs, this.#failures || this.#quiet, queues, now);
    const waitMs = Math.max(usualMs, allowance?.waitFor(this.#cost, now) ?? 0);
    this.#refresh = { everyMs: waitMs, failure, hasKeys };
    this.#show();
    if (!this.#screen && typeof next !== "string")
      this.#session.print({ ...next, commandsPerHour: commandsPerHour(next, waitMs) }, () => "");
  }

  /** Waits for the next refresh, or until the user asks for one. */
  async #wait(signal: AbortSignal): Promise<void> {
    const until = this.#clock() + (this.#refresh.everyMs ?? 0);
    while (!signal.aborted && !this.#isAsked && (this.#view.isPaused || this.#clock() < until)) {
      this.#woken = new AbortController();
      const waitMs = this.#view.isPaused ? LONGEST_SLEEP_MS : until - this.#clock();
      await sleep(this.#clock, waitMs, AbortSignal.any([signal, this.#woken.signal]));
    }
  }

  #press(key: Key): void {
    if (key === "end") {
      this.#ended.abort();
      return;
    }
    const before = this.#view;
    this.#view = viewAfter(before, key, this.#last?.queues ?? []);
    const hasChosen = this.#view.queue !== before.queue;
    if (hasChosen) this.#snapshots.choose(this.#view.queue);
    this.#isAsked ||= hasChosen || key === "refresh";
    this.#show();
    this.#woken.abort();
  }

  #show(): void {
    if (this.#last)
      this.#screen?.show(
        frameOf(titleOf(this.#target, this.#last), this.#last, this.#refresh, this.#session, this.#view),
      );
  }
}

/** Whether nothing has happened between two snapshots. The age of the oldest job changes with time alone. */
function isSame(one: Snapshot, other: Snapshot): boolean {
  const still = ({ queues }: Snapshot) =>
    JSON.stringify(queues.map(({ queue, stats }) => ({ queue, ...stats, oldestReadyAgeMs: null })));
  return still(one) === still(other);
}

export function titleOf({ label, place }: Target, { queues }: Snapshot): string {
  return queues.length === 1 ? label : `${counted(queues.length, "queue")} ${place}`;
}
