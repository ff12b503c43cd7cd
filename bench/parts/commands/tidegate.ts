import { setTimeout } from "node:timers/promises";
import { internalsOf } from "../../../src/core/queue/internals.ts";
import { upstashStore } from "../../../src/stores/redis-http/index.ts";
import { emptyJobs, fails, overTcp, tidegateQueue, unbounded } from "../../systems/tidegate.ts";
import { type Bill, billed, type Counting, LONE_JOBS } from "./bill.ts";

/** How often a worker over TCP polls per minute, by default. A cron ticks once. */
const LOOKS = { http: 1, tcp: 6 } as const;

export async function countTidegate({ connections }: Counting, way: "http" | "tcp"): Promise<Bill> {
  const { store, close } =
    way === "tcp" ? overTcp(connections) : { store: upstashStore(connections.rest), close: async () => {} };
  const queue = tidegateQueue(store);
  const count = (action: () => Promise<unknown>) => billed(connections, action);
  // Loads the scripts, as the first call of a new database does.
  await queue.enqueueMany([...emptyJobs(1), ...emptyJobs(1, { delayMs: 1 })]);
  await setTimeout(5);
  await queue.drain(unbounded);

  const bill = {
    enqueueOne: await count(() => queue.enqueueMany(emptyJobs(1))),
    enqueueMany: (await count(() => queue.enqueueMany(emptyJobs(100)))) / 100,
    enqueueThousand: (await count(() => queue.enqueueMany(emptyJobs(1_000)))) / 1_000,
    drain: (await count(() => queue.drain({ ...unbounded, maxJobs: 1_000 }))) / 1_000,
  };
  await queue.drain({ ...unbounded, maxJobs: 1_000 });
  const lone = await count(async () => {
    for (let job = 0; job < LONE_JOBS; job++) {
      await internalsOf(queue).drain({
        held: (await internalsOf(queue).enqueueHeld(emptyJobs(1))).held,
        heldOnly: true,
      });
    }
  });
  const dies = await count(async () => {
    await queue.enqueue(fails, {});
    const { deadLettered } = await queue.drain();
    if (deadLettered !== 1) throw new Error("The failing job did not die.");
  });
  const idle = (await count(() => queue.drain())) * LOOKS[way];
  await close();
  return { ...bill, lone: lone / LONE_JOBS, fails: dies, idle };
}
