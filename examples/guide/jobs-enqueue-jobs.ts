import { defineJob } from "tidegate";
import { mail, readRows, storeRow } from "./services.ts";

// #region chain
interface Order {
  readonly order: string;
  readonly email: string;
}

export const ship = defineJob({
  name: "ship",
  async perform({ order, email }: Order, job) {
    await storeRow(`shipped ${order}`, job.id);
    job.enqueue(sendMail, { to: email, subject: `Order ${order} is on its way` });
    job.enqueue(sendMail, { to: email, subject: `How was order ${order}?` }, { delay: "7d" });
  },
});

export const charge = defineJob({
  name: "charge",
  async perform({ order, email }: Order, job) {
    await storeRow(`charged ${order}`, job.id); // as with a payment service that takes job.id as an idempotency key
    return { shipment: job.enqueue(ship, { order, email }) };
  },
});
// #endregion

export const sendMail = defineJob({
  name: "send_mail",
  async perform({ to, subject }: { readonly to: string; readonly subject: string }, job) {
    await mail(to, subject, { key: job.id });
  },
});

// #region outbox
export const saveInvoice = defineJob({
  name: "save_invoice",
  async perform({ invoice, total }: { readonly invoice: string; readonly total: number }, job) {
    job.enqueue(publish, { topic: "invoices", message: `${invoice} was saved` });
    job.enqueue(publish, { topic: "accounting", message: `${invoice} is due: ${total}` });
    await storeRow(invoice, String(total)); // replaces what an earlier attempt has written
  },
});
// #endregion

export const publish = defineJob({
  name: "publish",
  async perform({ topic, message }: { readonly topic: string; readonly message: string }, job) {
    await storeRow(`${topic} ${job.id}`, message);
  },
});

// #region fan-out
export const sendIssue = defineJob({
  name: "send_issue",
  async perform({ issue }: { readonly issue: string }, job) {
    const readers = await readRows("readers", job.signal);
    for (const to of readers) job.enqueue(sendMail, { to, subject: `News: ${issue}` });
    return { readers: readers.length };
  },
});
// #endregion
