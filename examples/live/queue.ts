import { defineJob, Queue, type QueueOptions } from "tidegate";

/** Stands for your database. Rows that are stored twice, by two attempts, are there once. */
const insert = (_id: string, _rows: readonly string[]) => new Promise((resolve) => setTimeout(resolve, 100));

// #region job
const ROWS_OF_A_STEP = 500;

export const importCsv = defineJob({
  name: "import_csv",
  async perform({ rows }: { rows: string[] }, job) {
    for (let from = 0; from < rows.length; from += ROWS_OF_A_STEP) {
      await job.step(`rows from ${from}`, async ({ key }) => {
        const some = rows.slice(from, from + ROWS_OF_A_STEP);
        await insert(key, some);
        await job.progress(from + some.length);
      });
    }
    return { imported: rows.length };
  },
});

export const openQueue = (options: Pick<QueueOptions, "store" | "watchSecret" | "clock">) =>
  new Queue({ ...options, jobs: [importCsv] });
// #endregion
