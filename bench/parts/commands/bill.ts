import { countCommands } from "../../../test/support/command-stats.ts";
import type { Connections } from "../../task.ts";

/** How many commands Upstash would bill. */
export interface Bill {
  readonly enqueueOne: number;
  readonly enqueueMany: number;
  readonly enqueueThousand: number;
  readonly drain: number;
  readonly lone: number;
  readonly fails: number;
  readonly idle: number;
}

export interface Counting {
  readonly connections: Connections;
  /** How long to count the commands of an idle worker. */
  readonly idleMs: number;
}

export const LONE_JOBS = 10;

export async function billed({ redisPort }: Connections, action: () => Promise<unknown>): Promise<number> {
  return (await countCommands(redisPort, action)).commands;
}
