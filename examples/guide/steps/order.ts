import { Hono } from "hono";
import { defineJob, type Queue, StepError, type StepRun } from "tidegate";
import { isSigned } from "../recipes/webhook.ts";
import { post } from "./services.ts";

// #region job
interface Order {
  readonly order: string;
  readonly sku: string;
}

export const fulfil = defineJob({
  name: "fulfil",
  async perform({ order, sku }: Order, job) {
    await job.step("reserve", (step) => post("warehouse/reservations", { order, sku }, step));
    const payment = await job.waitFor<{ id: string }>(`paid-${order}`, { timeout: "3d" });
    if (!payment) {
      await job.step("release", (step) => post("warehouse/releases", { order, sku }, step));
      const late = await job.waitFor<{ id: string }>(`paid-${order}`, { timeout: "30d" });
      if (late) await job.step("return", (step) => post("payments/refunds", { payment: late.id }, step));
      return { state: "cancelled" };
    }
    try {
      const ship = (step: StepRun) => post<{ parcel: string }>("warehouse/shipments", { order, sku }, step);
      const { parcel } = await job.step("ship", ship, { maxRetries: 5 });
      return { state: "shipped", parcel };
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      await job.step("refund", (step) => post("payments/refunds", { payment: payment.id }, step));
      await job.step("release", (step) => post("warehouse/releases", { order, sku }, step));
      return { state: "refunded", why: error.message };
    }
  },
});
// #endregion

// #region webhook
export const payments = (queue: Queue, secret: string) =>
  new Hono().post("/webhooks/payments", async ({ req, body }) => {
    const bytes = await req.arrayBuffer();
    if (!(await isSigned(bytes, req.header("X-Signature-256"), secret))) return body(null, 401);
    const { id, order } = JSON.parse(new TextDecoder().decode(bytes)) as { id: string; order: string };
    await queue.signal(`paid-${order}`, { id }, { id }); // the service may call twice: the same id acts once
    return body(null, 204);
  });
// #endregion
