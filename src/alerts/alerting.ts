import { isOwnName } from "../core/job/reserved.ts";
import type { Alerting } from "../core/observe/alerts.ts";
import type { FollowUpJob } from "../core/store/store.ts";
import { defineAlert } from "./alert-job.ts";
import { queueWatch } from "./queue-watch.ts";
import type { Target } from "./target.ts";
import { defineWatch, watchJob } from "./watch.ts";

/** For how long an isolate does not send a watch again that is stored. It lives for at least an hour. */
const REMEMBERED_MS = 600_000;
const MOST_REMEMBERED = 1_000;

export function openAlerting(targets: readonly Target[]): Alerting {
  const alert = defineAlert(targets);
  const names = targets.map(({ name }) => name);
  /** The watches that deaths have stored lately: each stands for itself until a time in ms since 1970. */
  const until = new Map<string, number>();
  /** The watches that outcomes carry. */
  const carried = new WeakSet<FollowUpJob>();
  return {
    jobs: [alert, defineWatch(names, alert)],
    look: queueWatch(targets),
    ofDeath({ name, group, at }) {
      // The jobs that send alerts cause none themselves, or a receiver that is down would never come to an end.
      if (isOwnName(name)) return undefined;
      const job = watchJob(group, at);
      if ((until.get(job.id) ?? 0) > at) return undefined;
      carried.add(job);
      return [job];
    },
    noteStored(jobs) {
      for (const job of jobs) {
        if (!carried.has(job)) continue;
        until.delete(job.id);
        until.set(job.id, job.runAt + REMEMBERED_MS);
      }
      for (const id of until.keys()) {
        if (until.size <= MOST_REMEMBERED) break;
        until.delete(id);
      }
    },
  };
}
