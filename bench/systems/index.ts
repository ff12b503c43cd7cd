import type { Connections, System, SystemName } from "../task.ts";
import { drainBare } from "./bare.ts";
import { beeQueue } from "./bee-queue.ts";
import { bullmq } from "./bullmq.ts";
import { tidegate, tidegateTcp } from "./tidegate.ts";

const drainsAlone = () => Promise.reject(new Error("The bare script drains, and does nothing else."));

/** All systems, by name. */
export function systems(connections: Connections): Readonly<Record<SystemName, System>> {
  return {
    tidegate: tidegate(connections),
    "tidegate-tcp": tidegateTcp(connections, { elsewhere: false }),
    "tidegate-elsewhere": tidegateTcp(connections, { elsewhere: true }),
    bullmq: bullmq(connections),
    "bee-queue": beeQueue(connections),
    bare: { enqueue: drainsAlone, drain: (task) => drainBare(task, connections), latency: drainsAlone },
  };
}
