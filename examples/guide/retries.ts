import { defineJob, PermanentError, RetryAfterError } from "tidegate";

// #region backoff
export const syncStock = defineJob({
  name: "sync_stock",
  maxRetries: 5,
  backoff: { type: "exponential", base: "10s", max: "1h", jitter: 0.1 },
  async perform({ url }: { readonly url: string }, job) {
    const response = await fetch(url, { signal: job.signal });
    if (!response.ok) throw new Error(`The warehouse responded with status ${response.status}.`);
    return response.json();
  },
});
// #endregion

// #region function
export const callPartner = defineJob({
  name: "call_partner",
  backoff: (retry, error) => (error instanceof TypeError ? "5s" : `${retry * 5}m`), // fetch throws a TypeError
  async perform({ url }: { readonly url: string }, job) {
    const response = await fetch(url, { signal: job.signal });
    if (!response.ok) throw new Error(`The partner responded with status ${response.status}.`);
  },
});
// #endregion

// #region control
export const chargeCard = defineJob({
  name: "charge_card",
  async perform({ order }: { readonly order: number }, job) {
    const response = await fetch("https://pay.example.com/charges", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": job.id },
      body: JSON.stringify({ order }),
      signal: job.signal,
    });
    if (response.status === 202) return job.snooze("1h"); // not ready yet: again in an hour
    if (response.status === 402) throw new PermanentError("The card was refused."); // no retry will help
    if (response.status === 429) throw new RetryAfterError("Too many requests.", retryAfter(response));
    if (!response.ok) throw new Error(`The payment failed with status ${response.status}.`);
    return { charged: order };
  },
});

/** The header is a number of seconds, or a date. */
export function retryAfter({ headers }: Response) {
  const value = headers.get("Retry-After") ?? "60";
  return /^\d+$/.test(value) ? Number(value) * 1_000 : new Date(value);
}
// #endregion

// #region timeout
export const render = defineJob({
  name: "render",
  timeout: "1m",
  async perform({ pages }: { readonly pages: readonly string[] }, job) {
    for (const [index, page] of pages.entries()) {
      job.signal.throwIfAborted(); // stops here once the time is up, or the lease is gone
      await draw(page);
      if (index % 20 === 19) await job.extend(); // a minute more, after every twentieth page
    }
  },
});
// #endregion

export const drawn: string[] = [];

/** Here you would draw a page. */
async function draw(page: string): Promise<void> {
  drawn.push(page);
}
