import { waitingScore } from "../../core/store/score.ts";
import type { Store } from "../../core/store/store.ts";
import { Connection, type Transport } from "./connection.ts";
import { keysOf } from "./keys.ts";
import { redisQueue } from "./queue.ts";

/** A store on made-up replies of Redis with some jobs: no timer, signal, random number or request. */
export function storeOfReplies(record: string, jobs: number): Store {
  const replies = repliesOfRedis(record, jobs);
  const transport: Transport = {
    lockingAddress: undefined,
    words: { access: "", lost: "" },
    send: async () => replies.shift(),
    sendMany: async () => [],
  };
  // The transport ignores it.
  const signal = new EventTarget() as AbortSignal;
  const connection = new Connection(
    transport,
    async () => {},
    () => 0,
    () => signal,
  );
  return { open: (queue, meter) => redisQueue(connection, keysOf("warm-up", queue), meter) };
}

/** The replies of Redis to a peek, an exchange that claims, one that settles, and the cancellation of a job. */
function repliesOfRedis(record: string, jobs: number): unknown[] {
  const ids = Array.from({ length: jobs }, (_, index) => `warm-up-${index}`);
  const due = String(waitingScore(0));
  const claimed = [0, [], "", 0, 0, [], [], ids.flatMap((id) => [id, record, due]), [], [], [], []];
  const settled = [0, [], "", 0, 0, ids.map(() => 1), [], [], [], [], [], []];
  return [
    [ids[0], due],
    [1, claimed],
    [1, settled],
    [1, "cancelled"],
  ];
}
