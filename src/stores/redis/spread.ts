import type { Layout, Spread } from "../../core/store/store.ts";

/** The text in the place of each set and hash of a queue that is spread. Earlier versions read it too. */
export function writeSpread({ partitions, stores, store }: Spread): string {
  return `${writeEarlier({ partitions })}:${store}/${stores}`;
}

/**
 * The text of earlier versions in a single store. The first of them named the keys of partitions otherwise (keys.ts).
 */
export function writeEarlier({ partitions }: Pick<Spread, "partitions">): string {
  return `partitions:${partitions}`;
}

/**
 * Reads what lua/partitions.lua returns. A text that this version does not know counts as jobs that are not in
 * partitions.
 */
export function readLayout(text: string): Layout {
  if (text === "nothing") return text;
  const [, partitions, store = "0", stores = "1"] = /^partitions:(\d+)(?::(\d+)\/(\d+))?$/.exec(text) ?? [];
  if (partitions === undefined) return "whole";
  return { partitions: Number(partitions), stores: Number(stores), store: Number(store) };
}
