import { Redis } from "ioredis";
import type { Store } from "../../src/index.ts";
import { fromFirstVersion } from "../first-version.ts";
import { QUEUE } from "../queue.ts";
import { type Connections, type FullTask, inBatches, payloadOf, type System, timed } from "../task.ts";
import { unbounded } from "./tidegate.ts";

// The first version of this project, by what the present one has in common with it.

/** Over HTTP, and over TCP. */
export function firstVersion({ redisPort, rest }: Connections): Readonly<Record<"first" | "first-tcp", System>> {
  const overHttp = async () => {
    const { upstashStore } = await fromFirstVersion<typeof import("../../src/stores/redis-http/index.ts")>("upstash");
    return { store: upstashStore(rest), close: async () => {} };
  };
  const overTcp = async () => {
    const { redisStore } = await fromFirstVersion<typeof import("../../src/stores/redis-tcp/index.ts")>("redis");
    const client = new Redis(redisPort, "127.0.0.1");
    return { store: redisStore(client), close: () => client.quit() };
  };
  return { first: systemOf(overHttp), "first-tcp": systemOf(overTcp) };
}

interface OpenStore {
  readonly store: Store;
  close(): Promise<unknown>;
}

function systemOf(open: () => Promise<OpenStore>): System {
  return {
    enqueue: async (task) => {
      const { queue, empty, close } = await opened(open);
      const jobs = (count: number) =>
        Array.from({ length: count }, () => ({ job: empty, payload: payloadOf(task.payloadBytes) }));
      const report = await timed(() => inBatches(task, (count) => queue.enqueueMany(jobs(count))));
      await close();
      return report;
    },
    drain: async ({ jobs, batchSize, concurrency }: FullTask) => {
      const { queue, close } = await opened(open);
      const report = await timed(
        async () => (await queue.drain({ ...unbounded, maxJobs: jobs, batchSize, concurrency })).completed,
      );
      await close();
      return report;
    },
    latency: () => Promise.reject(new Error("The latency of the first version is not measured.")),
  };
}

async function opened(open: () => Promise<OpenStore>) {
  const { Queue, defineJob } = await fromFirstVersion<typeof import("../../src/index.ts")>("index");
  const { store, close } = await open();
  const empty = defineJob({ name: "empty", perform: async (_: unknown) => {} });
  return { queue: new Queue({ name: QUEUE, store, jobs: [empty] }), empty, close };
}
