import { defineJob } from "tidegate";
import { mail, readRows, storeRow } from "../services.ts";
import { sender } from "./store.ts";

// #region import
export const importFile = defineJob({
  name: "import_file",
  async perform({ file }: { readonly file: string }, job) {
    const rows = await readRows(file, job.signal);
    const children = rows.map((row) => ({ job: importRow, payload: { row } }));
    job.enqueue(importReport, { file }, { children }); // all of them, or none
  },
});

export const importRow = defineJob({
  name: "import_row",
  async perform({ row }: { readonly row: string }, job) {
    await storeRow(job.id, row);
  },
});

export const importReport = defineJob({
  name: "import_report",
  async perform({ file }: { readonly file: string }, job) {
    const { total = 0, completed = 0 } = job.children ?? {};
    await mail("ada@example.com", `${file}: ${completed} of ${total} rows are imported`, { key: job.id });
  },
});
// #endregion

// #region digest
export const dailyDigest = defineJob({
  name: "daily_digest",
  schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" },
  async perform(_: undefined, job) {
    const [, until = ""] = job.id.split("@"); // daily_digest@2026-03-02T08:00:00.000Z
    for (const customer of await readRows("customers", job.signal)) {
      const parts = ["orders", "invoices"].map((about) => ({ job: digestPart, payload: { customer, about, until } }));
      job.enqueue(sendDigest, { customer }, { children: parts });
    }
  },
});

export const digestPart = defineJob({
  name: "digest_part",
  perform: ({ about, until }: { readonly customer: string; readonly about: string; readonly until: string }) =>
    `The ${about} until ${until}`, // here you would ask your database
});

export const sendDigest = defineJob({
  name: "send_digest",
  async perform({ customer }: { readonly customer: string }, job) {
    const { jobs } = await sender.listChildren(job.id);
    const parts = jobs.map(({ state, result }) => (state === "completed" ? result : "Missing today, sorry."));
    await mail(customer, parts.join("\n"), { key: job.id });
  },
});
// #endregion
