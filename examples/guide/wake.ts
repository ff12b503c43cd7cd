import { Queue, type Store } from "tidegate";
import { timerWake } from "tidegate/node";
import { resize, sendEmail } from "./define.ts";

const jobs = [sendEmail, resize];

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
