import { Queue, type Store } from "tidegate";
import { timerWake } from "tidegate/node";
import { qstashWake } from "tidegate/qstash";
import { createRoute, vercelHobby } from "tidegate/vercel";
import { resize, sendEmail } from "./define.ts";

const jobs = [sendEmail, resize];

export function wokenByQStash(store: Store, env: Readonly<Record<string, string>>, fetch = globalThis.fetch) {
  // #region qstash
  const queue = new Queue({
    store,
    jobs,
    wake: qstashWake({
      token: env["QSTASH_TOKEN"] ?? "",
      url: "https://app.example.com/api/queue/drain",
      drainToken: env["CRON_SECRET"] ?? "",
      fetch,
    }),
  });
  const { GET, POST } = createRoute({ queue, basePath: "/api/queue", drain: vercelHobby });
  // #endregion
  return { queue, GET, POST };
}

export function wokenByTimer(store: Store, signal: AbortSignal) {
  // #region timer
  const wake = timerWake(() => queue.drain({ signal }), { signal });
  const queue: Queue = new Queue({ store, jobs, wake });
  // #endregion
  return queue;
}

interface Scheduler {
  call(url: string, at: Date): Promise<void>;
}

export function wokenByAnother(store: Store, scheduler: Scheduler) {
  // #region own
  const queue = new Queue({
    store,
    jobs,
    wake: (at) => scheduler.call("https://app.example.com/queue/drain", new Date(at)),
  });
  // #endregion
  return queue;
}
