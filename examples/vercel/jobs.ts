import { defineJob } from "tidegate";
import * as z from "zod";

export const sendInvoice = defineJob({
  name: "send_invoice",
  schema: z.object({ number: z.string() }),
  async perform({ number }) {
    // Make the invoice and mail it here.
    return { sent: number };
  },
});

export const remindDebtors = defineJob({
  name: "remind_debtors",
  schedule: { cron: "0 0 9 * * MON", timeZone: "Europe/Paris" },
  async perform() {
    // Look up who has not paid, and enqueue a mail for each.
  },
});

export const jobs = [sendInvoice, remindDebtors];
