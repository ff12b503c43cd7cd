import { expect } from "vitest";

/** The tokens of each example, as its environment has them. */
export const tokens = { TIDEGATE_ADMIN_TOKEN: "the-admin-token", CRON_SECRET: "the-cron-secret" };

type Fetch = (request: Request) => Response | Promise<Response>;

/** Sends a request with a token, and a body if there is one. */
export function sender(at: string, fetch: Fetch) {
  return async (path: string, token: string, body?: unknown) => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(new Request(at + path, { headers, ...sent }));
    const text = await response.text();
    return { status: response.status, text, json: () => JSON.parse(text) as unknown };
  };
}

/**
 * Does with the example of a framework what its page promises: enqueues over HTTP, drains as a cron does, and sees that
 * the job has run, that a wrong token and an unknown path are refused, and that the dashboard loads and lets you in.
 *
 * @param at the URL of the handler, with its `basePath`.
 * @param cron the token of whatever drains over HTTP.
 */
export async function drive(
  at: string,
  fetch: Fetch = globalThis.fetch,
  cron: string = tokens.CRON_SECRET,
): Promise<void> {
  const call = sender(at, fetch);
  const job = { name: "send_welcome", id: "first", payload: { to: "ada@example.com" } };
  expect(await call("/jobs", tokens.TIDEGATE_ADMIN_TOKEN, job)).toMatchObject({ status: 201 });
  const drained = await call("/drain?linger=0s", cron);
  expect([drained.status, drained.json()]).toEqual([200, expect.objectContaining({ stoppedBy: "empty" })]);
  const found = await call("/jobs/first", tokens.TIDEGATE_ADMIN_TOKEN);
  expect(found.json()).toMatchObject({ state: "completed", payload: { to: "ada@example.com" } });
  for (const body of [undefined, {}])
    expect(await call("/drain", "another-token", body)).toMatchObject({ status: 401 });
  const unknown = await call("/nowhere", tokens.TIDEGATE_ADMIN_TOKEN);
  expect([unknown.status, unknown.json()]).toEqual([404, expect.objectContaining({ code: "not_found" })]);
  const dashboard = await call("/dashboard", "");
  expect([dashboard.status, dashboard.text]).toEqual([200, expect.stringContaining("<!doctype html>")]);
  await signIn(at, fetch);
}

/** Sends the dashboard's form, as a browser does: some frameworks look at its origin, and some have read it. */
async function signIn(at: string, fetch: Fetch): Promise<void> {
  const { origin } = new URL(at);
  const form = new Request(`${at}/dashboard/sign-in`, {
    method: "POST",
    headers: { Origin: origin, "Content-Type": "application/x-www-form-urlencoded" },
    body: `token=${tokens.TIDEGATE_ADMIN_TOKEN}`,
    redirect: "manual",
  });
  const { status, headers } = await fetch(form);
  expect([status, headers.get("set-cookie")]).toEqual([303, expect.stringContaining("tidegate-session=")]);
}
