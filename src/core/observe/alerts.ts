import type { AnyJob } from "../job/define.ts";
import type { Clock } from "../shared/clock.ts";
import { invalidRequest } from "../shared/errors.ts";
import type { FollowUpJob, QueueStore } from "../store/store.ts";
import type { Logger } from "./log.ts";

/** Where a queue's alerts go: `slack` and `webhook` from `tidegate/alerts` make it. */
export interface Alert {
  /** What jobs and log lines call it. They never have its URL. */
  readonly name: string;
  /**
   * Returns what a queue calls to send alerts.
   *
   * @internal
   * @param alerts all alerts of the queue.
   */
  readonly alerting: (alerts: readonly Alert[]) => Alerting;
}

/** A job that is dead. */
export interface AlertedDeath {
  readonly id: string;
  readonly name: string;
  /** Its group of failures. */
  readonly group: string;
  /** ms since 1970 */
  readonly at: number;
}

/** What it takes to look whether anything drains a queue. */
export interface LookNeeds {
  readonly queue: string;
  readonly clock: Clock;
  readonly store: QueueStore;
  readonly logger: Logger | undefined;
}

/** The alerts of one queue. */
export interface Alerting {
  /** The jobs that send them. */
  readonly jobs: readonly AnyJob[];
  /** The jobs to store with the outcome of a job that is dead; undefined if they are stored already. */
  ofDeath(death: AlertedDeath): readonly FollowUpJob[] | undefined;
  /** Notes that an accepted outcome has stored jobs. */
  noteStored(jobs: readonly FollowUpJob[]): void;
  /**
   * Looks now and then whether anything drains the queue. Never rejects. Undefined if there is nothing to do: then it
   * has cost nothing.
   */
  look(needs: LookNeeds): Promise<void> | undefined;
}

interface GivenOptions {
  readonly alerts?: readonly Alert[] | undefined;
  readonly jobs?: readonly AnyJob[] | undefined;
  readonly observe?: boolean | undefined;
}

export function readAlerts(options: GivenOptions): Alerting | undefined {
  const { alerts, jobs, observe } = Object(options) as GivenOptions;
  if (alerts === undefined) return undefined;
  if (!Array.isArray(alerts) || alerts.some((alert) => typeof alert?.alerting !== "function"))
    throw invalidRequest("alerts must be an array of slack(url) and webhook(url, { secret }) from tidegate/alerts.");
  const [first] = alerts as readonly Alert[];
  if (!first) return undefined;
  if (observe === false) throw invalidRequest("alerts need the groups of failures, which observe: false turns off.");
  if (!Array.isArray(jobs) || jobs.length === 0)
    throw invalidRequest("alerts need jobs: the queue that performs the jobs sends its alerts.");
  return first.alerting(alerts);
}
