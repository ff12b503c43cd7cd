import type { Column } from "./table.ts";

interface Placed {
  readonly queue?: string | undefined;
}

/** The column of a table with rows of several queues. */
export const queueColumn: Column<Placed> = { title: "QUEUE", cell: ({ queue = "" }) => queue, givesWay: true };

/** The same for a table whose rows name their queue only if there are several. */
export function queueColumnOf(rows: readonly Placed[]): readonly Column<Placed>[] {
  return rows.some(({ queue }) => queue !== undefined) ? [queueColumn] : [];
}
