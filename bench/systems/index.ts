import type { Connections, System, SystemName } from "../task.ts";
import { beeQueue } from "./bee-queue.ts";
import { bullmq } from "./bullmq.ts";
import { firstVersion } from "./first.ts";
import { tidegate, tidegateTcp } from "./tidegate.ts";

/** All systems, by name. */
export function systems(connections: Connections): Readonly<Record<SystemName, System>> {
  return {
    tidegate: tidegate(connections),
    "tidegate-tcp": tidegateTcp(connections, { elsewhere: false }),
    "tidegate-elsewhere": tidegateTcp(connections, { elsewhere: true }),
    ...firstVersion(connections),
    bullmq: bullmq(connections),
    "bee-queue": beeQueue(connections),
  };
}
