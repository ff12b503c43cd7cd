import { badCursor } from "../../core/store/cursor.ts";
import { CHANGES_KEPT, type QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { arrayOf, rowsOf } from "./values.ts";

/** The list of changes: a stream, which one command extends and cuts. */
export function changeCalls(caller: Caller) {
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
      const entries = rowsOf(rows, 3, ([id, , text]) => ({ id: String(id), text: String(text) }));
      const distinct = entries.filter(({ text }, at) => (at === 0 ? !cursor : text !== entries[at - 1]?.text));
      const page = distinct.slice(0, limit);
      const last = page.at(-1);
      const isMore = distinct.length > limit || entries.length > limit + 1;
      return { items: page.map(({ text }) => text), cursor: isMore ? last?.id : undefined };
    },
  } satisfies Partial<QueueStore>;
}
