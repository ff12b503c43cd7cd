import { leaseMsFor, SETTLE_MARGIN_MS } from "../job/lease-length.ts";
import type { StepOptions } from "../job/steps.ts";
import { isStoreFailure } from "../store/meter.ts";
import type { ClaimedJob } from "./claimed-job.ts";
import { renewAll } from "./lease.ts";
import type { AttemptNeeds } from "./needs.ts";

/** An attempt as its steps see it. */
export interface StepHost {
  readonly job: ClaimedJob;
  readonly needs: AttemptNeeds;
  readonly timesOutAt: number;
  readonly onLost: () => void;
  giveTimeUntil(at: number): void;
  /** Ends the attempt, although `perform` has not returned. */
  leave(): void;
}

/**
 * Whether something was stored. "later": the budget has no room for it, or the store does not reply, so that it is
 * stored with the outcome. "lost": the lease is gone.
 */
export type Saved = "saved" | "later" | "lost";

/** Why an attempt ends before `perform` does. */
export type Leaving =
  /** It sleeps or waits: see `RememberedSteps.opened`. */
  | { readonly why: "waits" }
  /** It continues in another invocation. */
  | { readonly why: "outOfTime" }
  /** A step has failed, and is tried again. Or the steps are used wrongly. */
  | { readonly why: "failed"; readonly error: unknown; readonly options: StepOptions };

/** Whether the job is still held. If not, the attempt ends. */
export function isAlive({ job, needs, onLost }: StepHost): boolean {
  const isHeld = needs.clock() < job.lease.current.endsAt;
  // A process that was stopped for a while has timers that are late.
  if (!isHeld) onLost();
  return isHeld;
}

export async function giveTime(host: StepHost, timeoutMs: number): Promise<Saved> {
  const until = host.needs.clock() + timeoutMs;
  return until <= host.timesOutAt ? "saved" : renew(host, until, undefined);
}

/** Stores what the job remembers. Never rejects. */
export function save(host: StepHost): Promise<Saved> {
  return renew(host, host.needs.clock() + host.job.timeoutMs, host.job.textWithSteps);
}

/** Gives the attempt time until then. A lease that is too short also gets some to spare for the next steps. */
async function renew(host: StepHost, until: number, record: string | undefined): Promise<Saved> {
  const { job, needs, onLost } = host;
  const { lease } = job;
  const isLongEnough = lease.current.endsAt >= until + SETTLE_MARGIN_MS;
  const now = needs.clock();
  const endsAt = isLongEnough ? lease.current.endsAt : now + leaseMsFor(until - now, needs.random);
  try {
    const renewal = { lease, endsAt, record, onLost };
    if (record !== undefined || !isLongEnough)
      await (needs.stepSaver?.save(renewal) ?? renewAll(needs.store, [renewal])[0]);
  } catch (error) {
    job.isUnsaved = true;
    return isStoreFailure(error) ? "later" : "lost";
  }
  host.giveTimeUntil(until);
  return "saved";
}
