import { defineJob } from "tidegate";
import { readRows, storeRow } from "./services.ts";

// #region long
export const importRows = defineJob({
  name: "import_rows",
  timeout: "2m",
  async perform({ file }: { file: string }, job) {
    const rows = await readRows(file, job.signal);
    for (const [index, row] of rows.entries()) {
      await storeRow(`${job.id}-${index}`, row);
      if ((index + 1) % 100 === 0) await job.progress({ done: index + 1, of: rows.length });
      if ((index + 1) % 1_000 === 0) await job.extend(); // two minutes more, from now
    }
    return { imported: rows.length };
  },
});

// #endregion
