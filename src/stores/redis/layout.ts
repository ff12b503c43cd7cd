import type { Layout, QueueStore, Spread } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";

export function layoutCalls(caller: Caller): Pick<QueueStore, "partitions"> {
  return {
    partitions: async (wanted) => readLayout(await caller.layoutText(wanted && writeSpread(wanted))),
  };
}

/** The text that replaces each set and hash of a spread queue. */
function writeSpread({ partitions, stores, store }: Spread): string {
  return `partitions:${partitions}:${store}/${stores}`;
}

/** Reads what lua/partitions.lua returns. An unknown text counts as jobs that are not in partitions. */
export function readLayout(text: string): Layout {
  if (text === "nothing") return text;
  const [isKnown, ...numbers] = /^partitions:(\d+):(\d+)\/(\d+)$/.exec(text) ?? [];
  const [partitions = 0, store = 0, stores = 0] = numbers.map(Number);
  return isKnown ? { partitions, stores, store } : "whole";
}
