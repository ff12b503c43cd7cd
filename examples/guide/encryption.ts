import { Queue, type Store } from "tidegate";
import { resize, sendEmail } from "./define.ts";

const jobs = [sendEmail, resize];

export function encrypted(store: Store, env: Readonly<Record<"QUEUE_KEY_1", string>>) {
  // #region option
  const queue = new Queue({
    store,
    jobs,
    encryption: { current: "k1", keys: { k1: env.QUEUE_KEY_1 } }, // openssl rand -base64 32
  });
  // #endregion
  return queue;
}

export function rotating(store: Store, env: Readonly<Record<"QUEUE_KEY_1" | "QUEUE_KEY_2", string>>) {
  // #region rotation
  const queue = new Queue({
    store,
    jobs,
    encryption: { current: "k2", keys: { k1: env.QUEUE_KEY_1, k2: env.QUEUE_KEY_2 } },
  });
  // #endregion
  return queue;
}

// #region rekey
export async function rekeyAll(queue: Queue): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const step = await queue.rekey({ cursor, limit: 100 });
    count += step.rekeyed;
    cursor = step.cursor ?? undefined;
  } while (cursor !== undefined);
  return count;
}
// #endregion
