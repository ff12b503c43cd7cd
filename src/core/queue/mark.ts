import { internalsOf } from "./internals.ts";
import type { Queue } from "./queue.ts";

/** A short text that stands for what has happened in some queues: see `QueueStore.pulse`. It costs 2 commands a queue and partition. */
export async function markOf(queues: readonly Queue[]): Promise<string> {
  const pulses = await Promise.all(queues.map((queue) => internalsOf(queue).pulse()));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pulses.join("\n")));
  return Array.from(new Uint8Array(digest.slice(0, 12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
