import type { QueueContext } from "../enqueue/context.ts";
import { checkFlowKey, checkLimits, type FlowControlLimits } from "../job/flow-control.ts";
import { refuseReserved } from "../job/reserved.ts";
import type { ChangedBy, PauseOptions } from "../observe/changes.ts";
import { changing, onlyBy, pauseOptions, withPausedBy } from "../observe/changes.ts";
import { cursor, described, flag, limit, optionsOf, orFirst } from "../shared/schema.ts";
import type { FlowChange } from "../store/flow.ts";
import { busiestFirst, type FlowControlKey, flowKey, holdReason } from "./flow-key.ts";

/** One page of keys. */
export interface FlowControlPage {
  /** In no order. */
  readonly keys: readonly FlowControlKey[];
  /** The next page's cursor; null on the last one. */
  readonly cursor: string | null;
}

/** Which keys to list. */
export interface FlowControlListOptions {
  /** The previous page's cursor. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000. Default 100. A page may hold fewer keys, or none, with more to come. */
  readonly limit?: number | undefined;
  /** Only keys that hold jobs back now, the busiest first, of the next 1,000 keys. Default false. */
  readonly holding?: boolean | undefined;
}

const MOST_READ = 1_000;

export const flowListOptions = optionsOf<FlowControlListOptions>("flowControl.list", {
  cursor: orFirst(cursor),
  limit,
  holding: described(flag, "Only keys that hold jobs back now, the busiest first, of the next 1,000. Default false."),
});

type FlowContext = Pick<QueueContext, "store" | "clock" | "noteAnythingDue">;

/** Changes a key, and announces the jobs that this may have made due. Returns whether it was paused before. */
export async function changeFlow({ store, clock, noteAnythingDue }: FlowContext, key: string, change: FlowChange) {
  const wasPaused = await store.changeFlow(key, change, clock());
  if (change.to !== "paused") await noteAnythingDue();
  return wasPaused;
}

/** The flow control keys of a queue. */
export class FlowKeys {
  readonly #needs: FlowContext;

  /** @internal */
  constructor(needs: FlowContext) {
    this.#needs = needs;
  }

  /** Reads a key. Null if it has no jobs, is neither paused nor pinned, and has no open window. */
  async get(key: string): Promise<FlowControlKey | null> {
    checkFlowKey(key, "key");
    const { store, clock } = this.#needs;
    const now = clock();
    const state = await store.findFlow(key, now);
    return state ? ((await withPausedBy(this.#needs, [flowKey(state, now)]))[0] ?? null) : null;
  }

  /** Lists the keys that `get` shows. */
  async list(options: FlowControlListOptions = {}): Promise<FlowControlPage> {
    const { cursor, limit = 100, holding = false } = flowListOptions.read(options);
    const { store, clock } = this.#needs;
    const now = clock();
    const page = await store.listFlows({ cursor: cursor ?? undefined, limit: holding ? MOST_READ : limit, now });
    const keys = page.items.map((state) => flowKey(state, now));
    const listed = holding ? keys.filter(holdReason).sort(busiestFirst).slice(0, limit) : keys;
    return { keys: await withPausedBy(this.#needs, listed), cursor: page.cursor ?? null };
  }

  /**
   * Replaces all limits of a key and pins them: no enqueue changes them, until `unset`. A limit that you leave out does
   * not apply. Running jobs run on.
   *
   * @returns the key, as it is now.
   * @throws {TidegateError} `invalid_request` for limits that contradict each other, and for a reserved
   *   key.
   */
  async set(key: string, limits: FlowControlLimits, options: ChangedBy = {}): Promise<FlowControlKey> {
    checkFlowKey(key, "key");
    const checked = checkLimits(limits);
    await this.#change("set", key, { to: "set", limits: checked }, options);
    // Another caller may have unpinned it since: then the store has no state of an idle key.
    return (
      (await this.get(key)) ??
      flowKey({ ...idle, key, limits: checked, pinned: { concurrency: true, rate: true } }, this.#needs.clock())
    );
  }

  /**
   * Unpins the limits of a key: the next enqueue may change them. A key that is not pinned stays as it is.
   *
   * @throws {TidegateError} `invalid_request` for a reserved key.
   */
  async unset(key: string, options: ChangedBy = {}): Promise<void> {
    await this.#change("unset", key, { to: "unset" }, options);
  }

  /** Keeps the jobs of a key from starting, until `resume`. Running jobs run on, and you can enqueue more. */
  async pause(key: string, options: PauseOptions & ChangedBy = {}): Promise<void> {
    await this.#change("pause", key, { to: "paused" }, options);
  }

  /** Ends a pause of a key, and counts its taken slots again. @returns whether it was paused. */
  resume(key: string, options: ChangedBy = {}): Promise<{ resumed: boolean }> {
    return this.#change("resume", key, { to: "resumed" }, options);
  }

  async #change(verb: string, key: string, change: FlowChange, options: ChangedBy): Promise<{ resumed: boolean }> {
    checkFlowKey(key, "key");
    if (change.to === "set" || change.to === "unset") refuseReserved({ flowKey: key });
    return changing(this.#needs, `${verb}FlowControlKey`, key, options, async (given: ChangedBy) => {
      if (change.to === "paused") pauseOptions.read(given);
      else onlyBy(given, `flowControl.${verb}`);
      const wasPaused = await changeFlow(this.#needs, key, change);
      return { resumed: wasPaused || change.to !== "resumed" };
    });
  }
}

const idle = { running: 0, waiting: 0, startedInWindow: 0, windowEndsAt: 0, paused: false, firstId: undefined };
