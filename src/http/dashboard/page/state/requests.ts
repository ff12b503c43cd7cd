import type { Json, Snapshot } from "../../snapshot.ts";
import { type Route, routeQuery } from "./route.ts";
import { change, state } from "./state.ts";

/** Where the handler is mounted, with the slash behind it; "dashboard" may stand in there as well. */
export const root = location.pathname.replace(/dashboard\/?(sign-in\/?)?$/, "");

const SIGN_IN = "dashboard/sign-in";

/** Why a request was refused, or not answered at all (status 0). Its message may be shown. */
export interface Refusal extends Error {
  readonly status: number;
}

const refusal = (message: string, status = 0): Refusal => Object.assign(new Error(message), { status });

async function send(path: string, init: RequestInit): Promise<Response> {
  // The browser would drop such a part, and change something else: the queue in route of its schedule.
  if (/(^|\/)\.\.?(\/|$)/.test(path)) throw refusal('A URL cannot contain "." or "..".');
  const response = await fetch(root + path, init).catch(() => {
    throw refusal("The handler cannot be reached.");
  });
  const { ok, status } = response;
  if (ok) return response;
  const problem = await response.json().catch(() => ({}));
  // What the handler says to programs helps nobody here, unless it is about the token that was just given.
  const isEnd = status === 401 && path !== SIGN_IN;
  if (isEnd) change({ isSignedOut: true });
  throw refusal(
    isEnd ? "Your session has ended." : (problem.detail ?? `The handler responded with status ${status}.`),
    status,
  );
}

/** Asks for all that a route shows. @throws {Refusal} */
export async function fetchSnapshot(route: Route, signal: AbortSignal): Promise<Json<Snapshot>> {
  return (await send(`dashboard/data?${routeQuery(route)}`, { signal })).json();
}

/** Changes something in the queue that is looked at, and gives the answer. @throws {Refusal} */
export async function act<Answer>(method: string, path: string, body: object = {}): Promise<Answer> {
  const { queue = "", csrf } = state.snapshot ?? {};
  const response = await send(`queues/${encodeURIComponent(queue)}/${path}`, {
    method,
    headers: { "Content-Type": "application/json", "Tidegate-CSRF": csrf ?? "" },
    body: JSON.stringify(body),
  });
  return response.json().catch(() => undefined);
}

/** Signs in without leaving the page. @throws {Refusal} that says why not */
export async function signIn(token: string): Promise<void> {
  const body = new URLSearchParams({ token });
  await send(SIGN_IN, { method: "POST", headers: { Accept: "application/json" }, body });
}

export async function signOut(): Promise<void> {
  await send("dashboard/sign-out", { method: "POST", headers: { "Tidegate-CSRF": state.snapshot?.csrf ?? "" } });
}
