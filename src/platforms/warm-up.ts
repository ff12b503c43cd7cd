import { defineJob } from "../core/job/define.ts";
import { encodeRecord } from "../core/job/record.ts";
import { Queue } from "../core/queue/queue.ts";
import type { RingingClock } from "../core/shared/clock.ts";
import type { Store } from "../core/store/store.ts";
import { Connection, type Transport } from "../stores/redis/connection.ts";
import { keysOf } from "../stores/redis/keys.ts";
import { RedisQueue } from "../stores/redis/queue.ts";
import { leaseScore, waitingScore } from "../stores/redis/score.ts";

/** As many as a drain claims first, and enough for V8 to see what the code is called with. */
const JOBS = 10;
const TOKEN = "token-of-the-warm-up";

/**
 * A Worker's options, and a request to it, for a tick and a request that touch nothing outside. At module scope workerd allows no timers,
 * no signals, no random numbers, no requests, and no response with a body. So the clock stands still, Redis answers from a list, and
 * the request is one that is answered without a body.
 */
export function warmUpParts() {
  const job = defineJob({ name: "warm_up", perform() {} });
  const queue = new Queue({ store: warmUpStore(), jobs: [job], clock: still, random: () => 0, logger: null });
  return {
    options: { queue, auth: { admin: [TOKEN] }, scheduled: { maxJobs: JOBS, concurrency: JOBS }, onError() {} },
    request: new Request("https://warm-up.invalid/jobs/any", {
      method: "DELETE",
      headers: { Authorization: `Bearer ${TOKEN}` },
    }),
  };
}

/** Time that stands still, so that no alarm rings. */
const still: RingingClock = Object.assign(() => 0, { alarm: () => () => {} });

/** A store in front of a Redis that gives its jobs once. */
function warmUpStore(): Store {
  const answers = answersOfRedis();
  const transport: Transport = {
    keepsOrder: true,
    lockingAddress: undefined,
    words: { access: "", lost: "" },
    send: async () => answers.shift(),
    sendMany: async () => [],
  };
  // The transport does not look at it.
  const signal = new EventTarget() as AbortSignal;
  const random = () => 0;
  const connection = new Connection(
    transport,
    async () => {},
    random,
    () => signal,
  );
  return {
    open: (queue, meter, partition) => new RedisQueue(connection, keysOf("warm-up", queue, partition), meter, random),
  };
}

/** What Redis answers: a peek, an exchange that claims, one that settles, and the cancellation of a job. */
function answersOfRedis(): unknown[] {
  const ids = Array.from({ length: JOBS }, (_, index) => `warm-up-${index}`);
  const record = encodeRecord({ name: "warm_up", enqueuedAt: 0 });
  const [due, leased] = [waitingScore(0), leaseScore({ endsAt: 3_600_000, claims: 1 })].map(String);
  const claimed = [0, "", 0, 0, JOBS, ...ids.flatMap((id) => [id, leased, record, due]), 0, 0];
  const settled = [0, "", 0, ...ids.map(() => 1), 0, 0, 0, 0];
  return [
    [ids[0], due],
    [1, claimed],
    [1, settled],
    [1, "cancelled"],
  ];
}
