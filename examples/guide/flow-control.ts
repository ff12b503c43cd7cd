import { defineJob, type Queue } from "tidegate";
import { mail, storeRow } from "./services.ts";

// #region rate
export const sendNews = defineJob({
  name: "send_news",
  flowControl: { key: "mail-provider", rate: 100, period: "1m" },
  async perform({ to }: { readonly to: string }, job) {
    await mail(to, "News", { key: job.id });
  },
});
// #endregion

// #region tenant
interface Tenant {
  readonly tenant: string;
}

export const syncTenant = defineJob({
  name: "sync_tenant",
  flowControl: { key: ({ tenant }: Tenant) => `tenant-${tenant}`, concurrency: 1 },
  async perform({ tenant }: Tenant, job) {
    await storeRow(tenant, `synced by ${job.id}`);
  },
});
// #endregion

/** A customer with a larger plan may have more at once. */
export async function syncForPlan(queue: Queue, tenant: string, plan: "free" | "pro") {
  // #region plan
  await queue.enqueue(syncTenant, { tenant }, { flowControl: { concurrency: plan === "pro" ? 5 : 1 } });
  // #endregion
}

// #region ledger
interface Entry {
  readonly account: string;
  readonly amount: number;
}

export const postEntry = defineJob({
  name: "post_entry",
  flowControl: { key: ({ account }: Entry) => `account-${account}`, ordered: true },
  async perform({ account, amount }: Entry, job) {
    await storeRow(job.id, `${account} ${amount}`); // the id makes a second attempt harmless
  },
});
// #endregion

// #region fair
interface Report {
  readonly customer: string;
  readonly month: string;
}

export const renderReport = defineJob({
  name: "render_report",
  flowControl: { key: ({ customer }: Report) => `reports-${customer}` }, // no limit: keys are served round-robin
  async perform({ customer, month }: Report) {
    await storeRow(`${customer} ${month}`, "rendered");
  },
});
// #endregion

/** During an incident: slows one key down and stops another. */
export async function slowDown(queue: Queue) {
  // #region set
  // For what is claimed from now on; overrides what enqueues set:
  await queue.flowControl.set("mail-provider", { rate: 10, period: "1m" });
  await queue.flowControl.pause("tenant-acme"); // its running jobs continue
  const { keys } = await queue.flowControl.list();
  // #endregion
  return keys;
}

export async function letGo(queue: Queue) {
  // #region unset
  await queue.flowControl.unset("mail-provider"); // the next enqueue sets the limits of the definition
  await queue.flowControl.resume("tenant-acme");
  // #endregion
}

export async function whyNot(queue: Queue, id: string) {
  // #region why
  const job = await queue.getJob(id);
  if (job?.heldBack) {
    const { key, reason, since, until } = job.heldBack;
    console.log(`${key} holds it back: ${reason}`, { since, until }); // "mail-provider holds it back: rate"
  }
  // #endregion
  return job?.heldBack;
}
