import { defineJob, InvalidPayloadError, isTidegateError, type Queue } from "tidegate";
import { QueueClient } from "tidegate/client";
import { type jobs, resize, sendEmail } from "./define.ts";
import { importRows } from "./import-rows.ts";

export async function one(queue: Queue) {
  // #region one
  const { id, status, runAt } = await queue.enqueue(sendEmail, { to: "ada@example.com", subject: "Welcome" });
  // #endregion
  return { id, status, runAt };
}

export async function later(queue: Queue) {
  // #region later
  await queue.enqueue(sendEmail, { to: "ada@example.com" }, { delay: "3d" });
  await queue.enqueue(sendEmail, { to: "ada@example.com" }, { runAt: "2030-05-17T09:00:00+02:00" });
  // #endregion
}

export async function inTime(queue: Queue) {
  // #region expires
  await queue.enqueue(sendEmail, { to: "ada@example.com", subject: "Your code: 1234" }, { expires: "10m" });
  // #endregion
}

export async function onlyOnce(queue: Queue, order: { readonly number: number; readonly email: string }) {
  // #region id
  const thanks = { to: order.email, subject: `Your order ${order.number}` };
  const first = await queue.enqueue(sendEmail, thanks, { id: `thanks-${order.number}` });
  const again = await queue.enqueue(sendEmail, thanks, { id: `thanks-${order.number}` });
  // first.status is "enqueued", again.status is "duplicate", and both name the same job
  // #endregion
  return { first, again };
}

export const rebuildIndex = defineJob({
  name: "rebuild_index",
  async perform(_: { readonly shop: number }) {},
});

export async function notTooOften(queue: Queue, shop: number) {
  // #region dedupe
  const dedupe = { key: `index-${shop}`, ttl: "10m" } as const;
  const { id, status } = await queue.enqueue(rebuildIndex, { shop }, { delay: "10s", dedupe });
  // #endregion
  return { id, status };
}

export async function debounced(queue: Queue, shop: number) {
  // #region debounce
  const dedupe = { key: `index-${shop}`, ttl: "5m", replace: true } as const;
  const { id, status } = await queue.enqueue(rebuildIndex, { shop }, { delay: "10s", dedupe });
  // #endregion
  return { id, status };
}

export async function many(queue: Queue, addresses: readonly string[]) {
  // #region many
  const results = await queue.enqueueMany(addresses.map((to) => ({ job: sendEmail, payload: { to }, delay: "1m" })));
  // #endregion
  return results;
}

export async function together(queue: Queue, orders: readonly { readonly number: number; readonly email: string }[]) {
  // #region together
  const results = await Promise.all(
    orders.map(({ number, email }) => queue.enqueue(sendEmail, { to: email }, { id: `thanks-${number}` })),
  );
  // #endregion
  return results;
}

export async function otherwise(queue: Queue) {
  // #region options
  await queue.enqueue(
    importRows,
    { file: "january.csv" },
    { maxRetries: 8, backoff: { type: "fixed", base: "10m" }, timeout: "5m" },
  );
  // #endregion
}

export async function lookAfter(queue: Queue, id: string) {
  // #region look
  const job = await queue.getJob(id); // null if it doesn't exist, or its retention has expired
  const { jobs, cursor } = await queue.listJobs({ state: "scheduled", name: "send_email", limit: 50 });
  // #endregion
  return { job, jobs, cursor };
}

export async function change(queue: Queue, id: string) {
  // #region change
  await queue.reschedule(id, "1h"); // an hour from now; or a Date, ISO 8601, or ms since 1970
  await queue.update(id, { payload: { to: "ada@example.org" } }); // checked against the schema again
  await queue.cancel(id);
  // #endregion
}

export async function changeMany(queue: Queue) {
  // #region pending
  const { cancelled } = await queue.cancelPending({ name: "send_email", state: "scheduled" }, { dryRun: true });

  let cursor: string | undefined;
  const when = new Date(Date.now() + 3_600_000);
  do {
    const moved = await queue.reschedulePending({ all: true }, when, { cursor });
    cursor = moved.cursor ?? undefined;
  } while (cursor);
  // #endregion
  return cancelled;
}

export async function waited(queue: Queue, id: string) {
  // #region wait
  const job = await queue.wait(resize, id, { timeout: "30s" }); // with the type of what resize returns
  if (job?.state === "completed") return job.result;
  // #endregion
  return job;
}

export async function placed(queue: Queue, to: string, order: number): Promise<string> {
  // #region errors
  const enqueue = () => queue.enqueue(sendEmail, { to }, { id: `thanks-${order}` });
  try {
    await enqueue();
  } catch (error) {
    if (error instanceof InvalidPayloadError) return error.issues.map(({ path }) => path.join(".")).join(", ");
    if (!isTidegateError(error) || error.code !== "store_unavailable") throw error;
    await enqueue(); // the first call may have stored the job; with an id, a second one is safe
  }
  return "thank you";
  // #endregion
}

export function connect(env: { readonly TIDEGATE_URL: string; readonly TIDEGATE_ENQUEUE_TOKEN: string }) {
  // #region client
  const queue = new QueueClient<(typeof jobs)[number]>({ url: env.TIDEGATE_URL, token: env.TIDEGATE_ENQUEUE_TOKEN });
  // #endregion
  return queue;
}

export async function throughTheClient(queue: ReturnType<typeof connect>, to: string) {
  // #region client-enqueue
  const { id } = await queue.enqueue("send_email", { to }, { id: `welcome-${to}` });
  const job = await queue.wait(id);
  // #endregion
  return job;
}
