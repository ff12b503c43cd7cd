import { badCursor } from "../../core/store/cursor.ts";
import type { Meter } from "../../core/store/meter.ts";
import { CHANGES_KEPT, type EnqueueStore, type QueueStore } from "../../core/store/store.ts";
import { type Caller, callerOf } from "./caller.ts";
import type { Connection } from "./connection.ts";
import { documentCalls } from "./documents.ts";
import { enqueueCalls } from "./enqueue.ts";
import { exchangeCalls } from "./exchange.ts";
import { familyCalls } from "./families.ts";
import { flowCalls } from "./flow.ts";
import { jobChangeCalls } from "./job-changes.ts";
import type { QueueKeys } from "./keys.ts";
import { listCalls } from "./lists.ts";
import { peekCalls } from "./peek.ts";
import { scheduleCalls } from "./schedules.ts";
import { statisticsCalls } from "./statistics.ts";
import { arrayOf, rowsOf } from "./values.ts";

export function redisQueue(connection: Connection, keys: QueueKeys, meter: Meter | undefined): QueueStore {
  const caller = callerOf(connection, keys, meter);
  return {
    keepsConnection: connection.keepsConnection,
    isFree: connection.keepsConnection,
    ...enqueueCalls(caller),
    ...familyCalls(caller),
    ...exchangeCalls(caller),
    ...peekCalls(caller),
    ...listCalls(caller),
    ...jobChangeCalls(caller),
    ...flowCalls(caller),
    ...statisticsCalls(caller),
    ...scheduleCalls(caller),
    ...changeCalls(caller),
    ...documentCalls(caller),
  };
}

/** The part of `redisQueue` that enqueues: a bundler leaves out the rest. */
export function redisProducer(connection: Connection, keys: QueueKeys): EnqueueStore {
  return enqueueCalls(callerOf(connection, keys, undefined));
}

/** The list of changes: a stream, which one command extends and cuts. */
function changeCalls(caller: Caller) {
  const { changes } = caller.keys;
  return {
    async noteChange(text) {
      await caller.plain(["XADD", changes, "MAXLEN", String(CHANGES_KEPT), "*", "change", text]);
    },
    async changes(cursor, limit) {
      if (cursor !== undefined && !/^\d{1,20}-\d{1,20}$/.test(cursor)) throw badCursor();
      // One before the page, and one behind it: a request that arrived twice has left the same text twice.
      const [reply] = await caller.plain(["XREVRANGE", changes, cursor ?? "+", "-", "COUNT", String(limit + 2)]);
      // Some clients give the entries flat already.
      const rows = arrayOf(reply).flat(2);
      const entries = rowsOf(rows, 3, (values, at) => ({ id: String(values[at]), text: String(values[at + 2]) }));
      const distinct = entries.filter(({ text }, at) => (at === 0 ? !cursor : text !== entries[at - 1]?.text));
      const page = distinct.slice(0, limit);
      const last = page.at(-1);
      const isMore = distinct.length > limit || entries.length > limit + 1;
      return { items: page.map(({ text }) => text), cursor: isMore ? last?.id : undefined };
    },
  } satisfies Partial<QueueStore>;
}
