import type { Queue } from "../core/queue/queue.ts";

const REUSED_FOR_MS = 5_000;
const WAIT_MS = 20;

/** Undefined if the store responded. */
type Finding = { readonly error?: unknown };

interface Probe {
  readonly beganAt: number;
  /** Undefined while it runs. */
  readonly found?: Finding;
}

/** Holds data, not promises: workerd refuses to await a promise that another request made. */
const probes = new WeakMap<Queue, Probe>();

/** A probe costs a command, so callers without a token cause at most one in five seconds in each isolate. */
export async function checkHealth(queue: Queue, isTrusted: boolean): Promise<void> {
  const { error } = isTrusted ? await probe(queue) : await findingOf(queue);
  if (error !== undefined) throw error;
}

async function findingOf(queue: Queue): Promise<Finding> {
  for (;;) {
    const last = probes.get(queue);
    // The absolute distance, because a clock can be set back.
    if (!last || Math.abs(queue.clock() - last.beganAt) >= REUSED_FOR_MS) return probe(queue);
    if (last.found) return last.found;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}

async function probe(queue: Queue): Promise<Finding> {
  const beganAt = queue.clock();
  probes.set(queue, { beganAt });
  const found = await queue.ping().then(
    () => ({}),
    (error: unknown) => ({ error }),
  );
  probes.set(queue, { beganAt, found });
  return found;
}
