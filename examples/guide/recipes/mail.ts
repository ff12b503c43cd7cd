import { defineJob, PermanentError, RetryAfterError } from "tidegate";

// #region define
const RESEND_API_KEY = process.env["RESEND_API_KEY"];

export const sendReceipt = defineJob({
  name: "send_receipt",
  async perform({ to, order }: { readonly to: string; readonly order: number }, job) {
    const response = await fetch("https://api.resend.com/emails", {
      method: "POST",
      headers: {
        Authorization: `Bearer ${RESEND_API_KEY}`,
        "Content-Type": "application/json",
        "Idempotency-Key": job.id, // the same in each attempt
      },
      body: JSON.stringify({ from: "shop@example.com", to, subject: `Your order ${order}`, text: "Thank you!" }),
      signal: job.signal,
    });
    if (response.status === 422) throw new PermanentError("The address or the text was refused.");
    if (response.status === 429) throw new RetryAfterError("Too many emails.", "1m");
    if (!response.ok) throw new Error(`The email service responded with status ${response.status}.`);
  },
});
// #endregion
