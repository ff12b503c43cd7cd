import type { Column } from "./table.ts";

/** The column of a table with rows of several queues. */
export const queueColumn: Column<{ readonly queue: string }> = {
  title: "QUEUE",
  cell: ({ queue }) => queue,
  givesWay: true,
};
