import { defineJob } from "tidegate";
import { readRows, storeRow } from "../services.ts";
import { redis, sender } from "./store.ts";

// #region parent
export const importFile = defineJob({
  name: "import_file",
  async perform({ file }: { readonly file: string }, job) {
    const rows = await readRows(file, job.signal);
    await sender.enqueueMany(
      rows.map((row, index) => ({
        job: importRow,
        payload: { row, batch: job.id, of: rows.length },
        id: `${job.id}-${index}`, // the same in the next attempt
      })),
    );
  },
});
// #endregion

// #region part
interface Part {
  readonly row: string;
  readonly batch: string;
  readonly of: number;
}

export const importRow = defineJob({
  name: "import_row",
  async perform({ row, batch, of }: Part, job) {
    await storeRow(job.id, row);
    const done = `done:${batch}`; // a set of ids: a second attempt does not count twice
    const [, count] = await redis.multi().sadd(done, job.id).scard(done).expire(done, 604_800).exec<[number, number]>();
    if (count === of) await sender.enqueue(announce, { batch, of }, { id: `announce-${batch}` });
  },
});
// #endregion

export const announce = defineJob({
  name: "announce",
  async perform({ batch, of }: { readonly batch: string; readonly of: number }) {
    await storeRow(`announced ${batch}`, `${of} rows`);
  },
});

// #region report
export const dailyReport = defineJob({
  name: "daily_report",
  schedule: { cron: "0 0 9 * * *", timeZone: "Europe/Paris" },
  async perform(_: undefined, job) {
    const [, until = ""] = job.id.split("@"); // daily_report@2026-03-02T08:00:00.000Z
    const customers = await readRows("customers", job.signal);
    for (const customer of customers) job.enqueue(sendReport, { customer, until });
  },
});
// #endregion

export const sendReport = defineJob({
  name: "send_report",
  async perform({ customer, until }: { readonly customer: string; readonly until: string }) {
    await storeRow(`report for ${customer}`, `until ${until}`);
  },
});
