import type { QueueStore } from "../../core/store/store.ts";
import { badCursor } from "../cursor.ts";
import { type Caller, rowsOf, textsOf } from "./caller.ts";
import { changeFlowArguments, flowField, readFlowState } from "./flow.ts";
import { scripts } from "./scripts.generated.ts";

export function flowCalls(caller: Caller): Pick<QueueStore, "findFlow" | "listFlows" | "changeFlow"> {
  return {
    async findFlow(key, now) {
      const field = flowField(key);
      const [text] = await caller.plain(["HGET", caller.keys.flow, field]);
      return typeof text === "string" ? readFlowState(field, text, now) : undefined;
    },
    async listFlows({ cursor = "0", limit, now }) {
      // Redis takes any number of 64 bits.
      if (!/^\d{1,20}$/.test(cursor) || BigInt(cursor) >= 1n << 64n) throw badCursor();
      const [answer] = await caller.plain(["HSCAN", caller.keys.flow, cursor, "COUNT", String(limit)]);
      const [next, fields] = Array.isArray(answer) ? answer : [];
      const items = rowsOf(textsOf(fields), 2).flatMap(
        ([field = "", text = ""]) => readFlowState(field, text, now) ?? [],
      );
      return { items, cursor: String(next) === "0" ? undefined : String(next) };
    },
    async changeFlow(key, change, now) {
      await caller.number(scripts.changeFlow, [flowField(key), String(now), ...changeFlowArguments(change)]);
    },
  };
}
