import type { Layout, Spread } from "../../core/store/store.ts";

/** The text that replaces each set and hash of a spread queue. */
export function writeSpread({ partitions, stores, store }: Spread): string {
  return `partitions:${partitions}:${store}/${stores}`;
}

/** Reads what lua/partitions.lua returns. An unknown text counts as jobs that are not in partitions. */
export function readLayout(text: string): Layout {
  if (text === "nothing") return text;
  const [isKnown, ...numbers] = /^partitions:(\d+):(\d+)\/(\d+)$/.exec(text) ?? [];
  const [partitions = 0, store = 0, stores = 0] = numbers.map(Number);
  return isKnown ? { partitions, stores, store } : "whole";
}
