// What processes share that drain until they are killed: by others at any moment, or by themselves at a named point.
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import type { alertPoints } from "./alert-crashes.ts";
import type { CrashPoint } from "./crash-points.ts";
import type { DeliveryPoint } from "./delivery-points.ts";

const { STORE_URL = "", STORE_TOKEN = "", STORE_PREFIX = "", AHEAD_MS, DIE_AT, DIE_ON } = process.env;

export const prefix = STORE_PREFIX;
export const openedStore = upstashStore({ url: STORE_URL, token: STORE_TOKEN, prefix });
/** How far the clock runs ahead, so that the leases of earlier killed processes have expired. */
export const aheadMs = Number(AHEAD_MS);
/** More than is left. */
export const allJobs = {
  ...{ maxJobs: 10_000, batchSize: 8, concurrency: 4 },
  budget: { roundTrips: 10_000, commands: 1_000_000 },
};

let passed = 0;

/** Dies here if this is the chosen point. */
export async function passes(point: CrashPoint | DeliveryPoint | (typeof alertPoints)[number]): Promise<void> {
  if (point === DIE_AT && ++passed === Number(DIE_ON)) await die();
}

export function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
}
