import { type Duration, durationMs } from "../../core/shared/duration.ts";
import { knownOptions, wholeNumber } from "../../core/shared/validate.ts";
import { Readings } from "./readings.ts";

/** Bounds of the streams that show a job. */
export interface WatchLimits {
  /**
   * How many streams one isolate or process serves at a time. Others get 503 and try again. A tenth of them is kept for
   * callers with the scope `read` or `admin`. For other callers, one job or one token gets at most a quarter. Default
   * 1000.
   */
  readonly maxViewers?: number | undefined;
  /**
   * How long one stream lasts. It then ends, and the viewer resumes with another request. It also ends earlier: at the
   * deadline of the invocation, when its token expires, and when it has made as many readings as a drain may make round
   * trips. Default "5m".
   */
  readonly maxDuration?: Duration | undefined;
}

export interface Viewer {
  /** Whether it has the scope `read` or `admin`, so that only `maxViewers` bounds it. */
  readonly isTrusted: boolean;
  /** The job, with the name of its queue. A watch token is for one job, so this bounds its streams too. */
  readonly job: string;
  /** Who watches: the same for each request with a token of a scope. */
  readonly caller: object;
}

/** The longest time between two chunks of a stream: proxies end connections that are silent for 30 s or more. */
export const HEARTBEAT_MS = 15_000;
/** A platform may end a request without a word. Its viewer no longer counts. */
const LOST_AFTER_MS = 3 * HEARTBEAT_MS;
const LONGEST_DURATION = "5m";
const PART_OF_OTHERS = 9 / 10;
const PART_OF_ONE = 1 / 4;

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

  admit(viewer: Viewer, now: number): boolean {
    for (const [each, at] of this.#seenAt) if (Math.abs(now - at) > LOST_AFTER_MS) this.#seenAt.delete(each);
    const hasRoom = this.#hasRoomFor(viewer);
    if (hasRoom) this.see(viewer, now);
    return hasRoom;
  }

  #hasRoomFor({ isTrusted, job, caller }: Viewer): boolean {
    if (isTrusted) return this.#seenAt.size < this.maxViewers;
    const others = [...this.#seenAt.keys()].filter((each) => !each.isTrusted);
    const mostOfOne = Math.ceil(this.maxViewers * PART_OF_ONE);
    return (
      this.#seenAt.size < Math.ceil(this.maxViewers * PART_OF_OTHERS) &&
      others.filter((each) => each.job === job).length < mostOfOne &&
      others.filter((each) => each.caller === caller).length < mostOfOne
    );
  }

  see(viewer: Viewer, now: number): void {
    this.#seenAt.set(viewer, now);
  }

  dismiss(viewer: Viewer): void {
    this.#seenAt.delete(viewer);
  }
}
