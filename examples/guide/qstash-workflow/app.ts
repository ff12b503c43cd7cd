import { Client, type WorkflowContext } from "@upstash/workflow";
import { serve } from "@upstash/workflow/cloudflare";
import { mail } from "../services.ts";

interface Order {
  readonly id: string;
  readonly email: string;
}

// #region serve
export default serve<Order>(
  async (context) => {
    const { id, email } = context.requestPayload;
    const total = await context.run("price", () => priceOf(id));
    const charge = await context.call("charge", {
      url: "https://pay.example.com/charges",
      method: "POST",
      body: JSON.stringify({ id, total }),
      retries: 3,
    });
    await context.sleep("cool down", "1h");
    const { timeout } = await context.waitForEvent("shipping", `shipped-${id}`, { timeout: "7d" });
    await context.run("tell", () => mail(email, timeout ? "We are late" : "It is on its way", { key: id }));
    return { charged: charge.status === 201 };
  },
  { failureFunction: async ({ context, failResponse }) => report(context, failResponse) },
);
// #endregion

// #region trigger
export async function order(baseUrl: string, token: string, { id, email }: Order) {
  const client = new Client({ baseUrl, token });
  return client.trigger({ url: "https://app.example.com/api/orders", body: { id, email }, workflowRunId: id });
}

export async function shipped(baseUrl: string, token: string, id: string) {
  const client = new Client({ baseUrl, token });
  return client.notify({ eventId: `shipped-${id}`, workflowRunId: `wfr_${id}` });
}
// #endregion

const priceOf = async (id: string) => id.length * 10;

async function report({ workflowRunId }: Pick<WorkflowContext<unknown>, "workflowRunId">, reason: string) {
  await mail("team@example.com", `${workflowRunId} has failed: ${reason}`, { key: workflowRunId });
}
