import { defineJob } from "../core/job/define.ts";
import { encodeRecord } from "../core/job/record.ts";
import { Queue } from "../core/queue/queue.ts";
import type { RingingClock } from "../core/shared/clock.ts";
import { storeOfReplies } from "../stores/redis/store-of-replies.ts";

/** As many as a drain claims first. */
const JOBS = 10;
const TOKEN = "token-of-the-warm-up";

/** Time that stands still, so that no alarm rings. */
const still: RingingClock = Object.assign(() => 0, { alarm: () => () => {} });

/**
 * A Worker's options, and a request to it, for a tick and a request that touch nothing outside. At module scope workerd
 * allows no timers, no signals, no random numbers, no requests, and no response with a body. So the clock stands still,
 * Redis replies from a list, and the request gets a response without a body.
 */
export function warmUpParts() {
  const job = defineJob({ name: "warm_up", perform() {} });
  const store = storeOfReplies(encodeRecord({ name: job.name, enqueuedAt: 0 }), JOBS);
  const queue = new Queue({ store, jobs: [job], clock: still, random: () => 0, logger: null });
  return {
    options: { queue, auth: { admin: [TOKEN] }, scheduled: { maxJobs: JOBS, concurrency: JOBS }, onError() {} },
    request: new Request("https://warm-up.invalid/jobs/any", {
      method: "DELETE",
      headers: { Authorization: `Bearer ${TOKEN}` },
    }),
  };
}
