import { invalidRequest, type TidegateError } from "../../core/shared/errors.ts";

/** The refusal of a queue that is opened with another number of partitions than it is stored in. */
export function wrongPartitions(queue: string, stored: number, opened: number): TidegateError {
  const name = JSON.stringify(queue);
  if (stored === 1)
    return invalidRequest(
      `The queue ${name} keeps jobs or schedules that are not in partitions. Open it without partitioned(), or choose another name for the queue in partitions.`,
    );
  const wrong = opened === 1 ? "it was opened without partitioned()" : `it was opened with ${opened}`;
  return invalidRequest(
    `The queue ${name} is stored in ${stored} partitions, but ${wrong}. Open it with partitioned(store, ${stored}). To change the number, choose another name for the queue and drain both until this one is empty.`,
  );
}
