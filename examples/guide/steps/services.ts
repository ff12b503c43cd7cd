import { PermanentError, RetryAfterError, type StepRun } from "tidegate";
import { retryAfter } from "../retries.ts";

// The outside world of the examples of steps: a model, a payment service, a warehouse and a partner with a list.

// #region post
export const services = { url: "https://services.example.com" };

/** Calls a service for a step. The service takes a key: a second call with it does nothing, and gets the same reply. */
export async function post<Reply>(service: string, body: object, { key, signal }: StepRun): Promise<Reply> {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  const request = { method: "POST", headers, body: JSON.stringify(body), signal };
  const response = await fetch(`${services.url}/${service}`, request);
  const { ok, status } = response;
  if (ok) return (await response.json()) as Reply;
  const problem = `The ${service} responded with status ${status}.`;
  if (status === 429) throw new RetryAfterError(problem, retryAfter(response));
  throw status < 500 ? new PermanentError(problem) : new Error(problem);
}
// #endregion
