import type { AffectedField } from "./failure-details.ts";
import type { JobInfo } from "./job-info.ts";

/** The share of the work done, from a number up to 1, a larger one in percent, `{ percent }`, or `{ done, of }`. */
export function shareOf(progress: unknown): number | undefined {
  if (typeof progress === "number") return progress <= 1 ? progress : progress / 100;
  const { done, of, total = of, percent } = Object(progress) as Readonly<Record<string, unknown>>;
  if (typeof percent === "number") return percent / 100;
  return typeof done === "number" && typeof total === "number" && total > 0 ? done / total : undefined;
}

/** Whether a field affects somebody in particular: many jobs of which each has a value of its own share nothing. */
export const isShared = ({ values, of }: AffectedField): boolean =>
  of === values.length || values.some(({ count }) => count > 1);

/** A job as it was read or, in a page, as it was sent. */
interface Waiting extends Pick<JobInfo, "name" | "children"> {
  readonly runAt: unknown;
  readonly waitingFor?: Pick<NonNullable<JobInfo["waitingFor"]>, "events">;
}

/**
 * What a waiting job waits for, as the end of a sentence; undefined if it is only its time.
 *
 * @param stats undefined if they may not be read.
 * @param held what its key makes of that.
 */
export function waitsFor<Held>(
  { name, runAt, children, waitingFor }: Waiting,
  stats: { readonly paused: boolean; readonly pausedJobs: readonly { readonly name: string }[] } | undefined,
  held: Held | undefined,
): Held | string | undefined {
  if (runAt === null)
    return children?.pending === 0 ? "its dead children: retry or remove them" : `${children?.pending} of its children`;
  if (waitingFor) return `the signal ${waitingFor.events.join(" or ")}`;
  if (stats?.paused) return "the queue to be resumed";
  return stats?.pausedJobs.some((type) => type.name === name) ? "its job type to be resumed" : held;
}
