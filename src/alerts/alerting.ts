import { isOwnName } from "../core/job/reserved.ts";
import type { AlertedDeath, Alerting } from "../core/observe/alerts.ts";
import type { FollowUpJob } from "../core/store/store.ts";
import { defineAlert } from "./alert-job.ts";
import { QueueWatch } from "./queue-watch.ts";
import type { Target } from "./target.ts";
import { defineWatch, watchJob } from "./watch.ts";

/** For how long an isolate does not send a watch again that is stored. It lives for at least an hour. */
const REMEMBERED_MS = 600_000;
const MOST_REMEMBERED = 1_000;

/** Sends the alerts of one queue. */
export function openAlerting(targets: readonly Target[]): Alerting {
  const alert = defineAlert(targets);
  const names = targets.map(({ name }) => name);
  const watch = new QueueWatch(targets);
  const watches = new StoredWatches();
  return {
    jobs: [alert, defineWatch(names, alert)],
    ofDeath: (death) => watches.ofDeath(death),
    noteStored: (jobs) => watches.note(jobs),
    look: (needs) => watch.look(needs),
  };
}

/** The watches that deaths have stored lately: each stands for itself until a time in ms since 1970. */
class StoredWatches {
  readonly #until = new Map<string, number>();
  /** The watches that outcomes carry. */
  readonly #carried = new WeakSet<FollowUpJob>();

  /** The jobs that send alerts cause none themselves, or a receiver that is down would never come to an end. */
  ofDeath({ name, group, at }: AlertedDeath): readonly FollowUpJob[] | undefined {
    if (isOwnName(name)) return undefined;
    const job = watchJob(group, at);
    if ((this.#until.get(job.id) ?? 0) > at) return undefined;
    this.#carried.add(job);
    return [job];
  }

  note(jobs: readonly FollowUpJob[]): void {
    for (const job of jobs) {
      if (!this.#carried.has(job)) continue;
      this.#until.delete(job.id);
      this.#until.set(job.id, job.runAt + REMEMBERED_MS);
    }
    for (const id of this.#until.keys()) {
      if (this.#until.size <= MOST_REMEMBERED) break;
      this.#until.delete(id);
    }
  }
}
