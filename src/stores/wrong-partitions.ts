import { invalidRequest, type TidegateError } from "../core/shared/errors.ts";
import type { Spread } from "../core/store/store.ts";

/** For a queue that is not opened as it is stored. @param opened undefined if opened without `partitioned`. */
export function wrongPartitions(queue: string, stored: Spread | "whole", opened: Spread | undefined): TidegateError {
  const name = JSON.stringify(queue);
  if (stored === "whole")
    return invalidRequest(
      `The queue ${name} keeps jobs or schedules that are not in partitions. Open it without partitioned(), or choose another name for the queue in partitions.`,
    );
  const { partitions, stores } = stored;
  const open = `Open it with partitioned(${stores > 1 ? `[the same ${stores} stores in the same order]` : "store"}, ${partitions}).`;
  if (opened?.partitions === partitions && opened.stores === stores)
    return invalidRequest(
      `The stores of the queue ${name} are in another order than when it was first opened: number ${opened.store + 1} of them was number ${stored.store + 1}. ${open}`,
    );
  const wrong = opened ? `it was opened with ${inWords(opened)}` : "it was opened without partitioned()";
  return invalidRequest(
    `The queue ${name} is stored in ${inWords(stored)}, but ${wrong}. ${open} To change either number, choose another name for the queue and drain both until this one is empty.`,
  );
}

function inWords({ partitions, stores }: Spread): string {
  return `${partitions} partitions${stores > 1 ? ` of ${stores} stores` : ""}`;
}
