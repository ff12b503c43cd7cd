import { defineJob, Queue, type QueueOptions } from "tidegate";

/** Stands for your database. A row that is stored twice, by two attempts, is there once. */
const insert = (_id: string, _row: string) => new Promise((resolve) => setTimeout(resolve, 10));

// #region job
export const importRows = defineJob({
  name: "import_rows",
  timeout: "1m",
  async perform({ rows }: { rows: string[] }, job) {
    for (const [index, row] of rows.entries()) {
      await insert(`${job.id}-${index}`, row);
      if ((index + 1) % 10 === 0) await job.progress(index + 1);
    }
    return { imported: rows.length };
  },
});

export const openQueue = (options: Pick<QueueOptions, "store" | "watchSecret" | "clock">) =>
  new Queue({ ...options, jobs: [importRows] });
// #endregion
