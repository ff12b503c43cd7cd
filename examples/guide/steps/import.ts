import { defineJob } from "tidegate";
import { storeRows } from "../services.ts";
import { post } from "./services.ts";

// #region job
interface Page {
  readonly rows: readonly { readonly id: string; readonly name: string }[];
  /** Where the next page begins; null after the last one. */
  readonly next: string | null;
  readonly total: number;
}

/** What the job remembers of a page: the rows themselves are stored elsewhere. */
interface Imported {
  readonly rows: number;
  readonly next: string | null;
}

export const importCustomers = defineJob({
  name: "import_customers",
  async perform({ list }: { readonly list: string }, job) {
    let cursor: string | null = "";
    let done = 0;
    for (let page = 1; cursor !== null; page++) {
      const { rows, next }: Imported = await job.step(`page-${page}`, async (step) => {
        const { rows, next, total } = await post<Page>("customers", { list, cursor }, step);
        await storeRows(rows.map(({ id, name }) => [id, name])); // replaces what an earlier attempt has stored
        await job.progress({ done: done + rows.length, of: total });
        return { rows: rows.length, next };
      });
      done += rows;
      cursor = next;
    }
    return { imported: done };
  },
});
// #endregion
