import type { Queue } from "../core/queue/queue.ts";

/** For how long what a probe found stands for those who show no token. */
const REMEMBER_MS = 5_000;
/** For how long it stands in while somebody probes again. */
const STAND_IN_MS = 60_000;
const WAIT_MS = 20;

interface Finding {
  /** Undefined where the store answered. */
  readonly error?: unknown;
}

interface Probe {
  readonly beganAt: number;
  /** What was found, by this probe or the one before. */
  readonly found: Finding | undefined;
}

/** Data and not promises: workerd refuses to wait for a promise that another request made. */
const probes = new WeakMap<Queue, Probe>();

/**
 * Finds out whether the store answers. Each probe costs the owner a command, so without a token nobody can cause more than one
 * in five seconds in an isolate, however many requests there are at once and whether or not the store answers.
 *
 * @param isTrusted probes anew, whatever is remembered.
 * @throws what the store threw.
 */
export async function checkHealth(queue: Queue, isTrusted: boolean): Promise<void> {
  const { error } = isTrusted ? await probe(queue) : await findingOf(queue);
  if (error !== undefined) throw error;
}

async function findingOf(queue: Queue): Promise<Finding> {
  for (;;) {
    const last = probes.get(queue);
    if (!last || age(last, queue) >= REMEMBER_MS) return probe(queue);
    if (last.found) return last.found;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}

async function probe(queue: Queue): Promise<Finding> {
  const beganAt = queue.clock();
  const last = probes.get(queue);
  probes.set(queue, { beganAt, found: last && age(last, queue) < STAND_IN_MS ? last.found : undefined });
  const found = await queue.ping().then(
    () => ({}),
    (error: unknown) => ({ error }),
  );
  probes.set(queue, { beganAt, found });
  return found;
}

// The distance, since a clock may be set back.
function age({ beganAt }: Probe, queue: Queue): number {
  return Math.abs(queue.clock() - beganAt);
}
