import { type Duration, durationMs } from "../../core/shared/duration.ts";
import { knownOptions, wholeNumber } from "../../core/shared/validate.ts";
import { Readings } from "./readings.ts";

/** Bounds of the streams that show a job. */
export interface WatchLimits {
  /** How many streams one isolate or process serves at a time. Others get 503 and try again. Default 1000. */
  readonly maxViewers?: number | undefined;
  /**
   * How long one stream lasts. It then ends, and the viewer resumes with another request. It also ends earlier: at the
   * deadline of the invocation, when its token expires, and when it has made as many readings as a drain may make round
   * trips. Default "5m".
   */
  readonly maxDuration?: Duration | undefined;
}

export type Viewer = object;

/** The longest time between two chunks of a stream: proxies end connections that are silent for 30 s or more. */
export const HEARTBEAT_MS = 15_000;
/** A platform may end a request without a word. Its viewer no longer counts. */
const LOST_AFTER_MS = 3 * HEARTBEAT_MS;
const LONGEST_DURATION = "5m";

/** Who watches jobs in this isolate, and what they share. */
export class Viewers {
  readonly maxViewers: number;
  readonly maxDurationMs: number;
  readonly readings: Readings;
  /** When each was last known to be there. */
  readonly #seenAt = new Map<Viewer, number>();

  constructor(limits: WatchLimits = {}, onError: (error: unknown) => void) {
    const known = ["maxViewers", "maxDuration"];
    const { maxViewers = 1_000, maxDuration = LONGEST_DURATION } = knownOptions(limits, known, "watchLimits");
    this.maxViewers = wholeNumber(maxViewers, "watchLimits.maxViewers", 1, Number.MAX_SAFE_INTEGER);
    this.maxDurationMs = durationMs(maxDuration, "watchLimits.maxDuration");
    this.readings = new Readings(onError);
  }

  /** Admits a viewer; undefined if there are too many. */
  admit(now: number): Viewer | undefined {
    if (this.#seenAt.size >= this.maxViewers)
      for (const [viewer, at] of this.#seenAt) if (Math.abs(now - at) > LOST_AFTER_MS) this.#seenAt.delete(viewer);
    if (this.#seenAt.size >= this.maxViewers) return undefined;
    const viewer = {};
    this.see(viewer, now);
    return viewer;
  }

  see(viewer: Viewer, now: number): void {
    this.#seenAt.set(viewer, now);
  }

  dismiss(viewer: Viewer): void {
    this.#seenAt.delete(viewer);
  }
}
