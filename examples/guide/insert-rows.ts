// One call for many jobs.

// #region batch
import { type BatchItem, defineJob, PermanentError } from "tidegate";
import { storeRows } from "./services.ts";

interface Row {
  readonly sku: string;
  readonly price: number;
}

export const insertRow = defineJob({
  name: "insert_row",
  batch: { size: 100 },
  async performBatch(jobs: readonly BatchItem<Row>[]) {
    const valid = jobs.filter(({ payload }) => payload.price >= 0);
    for (const { payload, job } of jobs) {
      if (payload.price < 0) job.fail(new PermanentError("The price is negative."));
    }
    await storeRows(valid.map(({ payload, job }) => [job.id, payload.sku])); // one insert for all of them
  },
});
// #endregion batch
