import type { Meter } from "../../core/store/meter.ts";
import type { EnqueueStore, QueueStore } from "../../core/store/store.ts";
import { callerOf } from "./caller.ts";
import { changeCalls } from "./changes.ts";
import type { Connection } from "./connection.ts";
import { documentCalls } from "./documents.ts";
import { enqueueCalls } from "./enqueue.ts";
import { exchangeCalls } from "./exchange.ts";
import { familyCalls } from "./families.ts";
import { flowCalls } from "./flow.ts";
import { deadJobCalls, extendCalls, waitingJobCalls } from "./job-changes.ts";
import type { QueueKeys } from "./keys.ts";
import { listCalls } from "./lists.ts";
import { peekCalls } from "./peek.ts";
import { scheduleCalls } from "./schedules.ts";
import { statisticsCalls } from "./statistics.ts";

export function redisQueue(
  connection: Connection,
  keys: QueueKeys,
  meter: Meter | undefined,
  random: () => number,
): QueueStore {
  const caller = callerOf(connection, keys, meter, random);
  return {
    keepsConnection: connection.keepsConnection,
    isFree: connection.keepsConnection,
    ...enqueueCalls(caller),
    ...familyCalls(caller),
    ...exchangeCalls(caller),
    ...extendCalls(caller),
    ...peekCalls(caller),
    ...listCalls(caller),
    ...waitingJobCalls(caller),
    ...deadJobCalls(caller),
    ...flowCalls(caller),
    ...statisticsCalls(caller),
    ...scheduleCalls(caller),
    ...changeCalls(caller),
    ...documentCalls(caller),
  };
}

/** The part of `redisQueue` that enqueues: a bundler leaves out the rest. */
export function redisProducer(connection: Connection, keys: QueueKeys, random: () => number): EnqueueStore {
  return enqueueCalls(callerOf(connection, keys, undefined, random));
}
