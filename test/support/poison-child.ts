// A process that drains, and is killed by one of its jobs. Its clock runs ahead by a given time.
import { defineJob, Queue } from "../../src/index.ts";
import { aheadMs, openedStore } from "./dying.ts";

const queue = new Queue({
  store: openedStore,
  clock: () => Date.now() + aheadMs,
  logger: null,
  jobs: [
    defineJob({ name: "harmless", perform: () => {} }),
    defineJob({ name: "poison", perform: () => void process.kill(process.pid, "SIGKILL") }),
  ],
});
await queue.drain({ maxJobs: 1_000 });
