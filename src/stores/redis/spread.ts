import type { Layout, Spread } from "../../core/store/store.ts";

/** The text that replaces each set and hash of a spread queue. Earlier versions read it too. */
export function writeSpread({ partitions, stores, store }: Spread): string {
  return `${writeEarlier({ partitions })}:${store}/${stores}`;
}

/** The text of earlier versions in a single store. The first of them gave partitions other keys (keys.ts). */
export function writeEarlier({ partitions }: Pick<Spread, "partitions">): string {
  return `partitions:${partitions}`;
}

/** Reads what lua/partitions.lua returns. An unknown text counts as jobs that are not in partitions. */
export function readLayout(text: string): Layout {
  if (text === "nothing") return text;
  const [, partitions, store = "0", stores = "1"] = /^partitions:(\d+)(?::(\d+)\/(\d+))?$/.exec(text) ?? [];
  if (partitions === undefined) return "whole";
  return { partitions: Number(partitions), stores: Number(stores), store: Number(store) };
}
