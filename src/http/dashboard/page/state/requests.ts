import type { OperationAddress } from "../../../../contract/operations.ts";
import type { Json, Refresh, Unchanged } from "../../snapshot.ts";
import { askedQuery, type Route } from "./route.ts";
import { change, type Filled, state } from "./state.ts";

/** The path of the handler, with a slash at the end. It may contain "dashboard" itself. */
export const root = location.pathname.replace(/dashboard\/?(sign-in\/?)?$/, "");

const SIGN_IN = "dashboard/sign-in";

/** Why a request was refused, or got no response (status 0). The message is for the user. */
export interface Refusal extends Error {
  readonly status: number;
  readonly retryAfter: string | null;
}

const UNKNOWN_OUTCOME = "No response came. It may have been done all the same: look before you try again.";

const refusal = (message: string, status = 0, retryAfter: string | null = null): Refusal =>
  Object.assign(new Error(message), { status, retryAfter });

async function send(path: string, init: RequestInit): Promise<Response> {
  // Browsers drop such a segment, so the request would change the queue instead of its schedule.
  if (/(^|\/)\.\.?(\/|$)/.test(path)) throw refusal('A URL cannot contain "." or "..".', 400);
  const response = await fetch(root + path, init).catch(() => {
    throw refusal("The handler cannot be reached.");
  });
  const { ok, status } = response;
  if (ok) return response;
  const problem = await response.json().catch(() => ({}));
  // After a 401 the handler's message is for programs, except at the sign-in.
  const isEnd = status === 401 && path !== SIGN_IN;
  if (isEnd) change({ isSignedOut: true });
  throw refusal(
    isEnd ? "Your session has ended." : (problem.detail ?? `The handler responded with status ${status}.`),
    status,
    response.headers.get("retry-after"),
  );
}

/** What to leave out of a response. */
export interface Thrift {
  /** The mark of the response before. */
  readonly mark?: string | undefined;
  readonly only?: "contents" | "statistics" | undefined;
}

/** Loads what a route shows. @throws {Refusal} */
export async function fetchSnapshot(
  route: Route,
  thrift: Thrift,
  signal: AbortSignal | null = null,
): Promise<Json<Refresh> | Json<Unchanged>> {
  return (await send(`dashboard/data?${askedQuery({ ...route, ...thrift })}`, { signal })).json();
}

/** Computes the next occurrences of a schedule with this rule, which costs no command. @throws {Refusal} */
export async function fetchPreview(rule: Filled): Promise<{ readonly occurrences: readonly string[] }> {
  return (await send(`dashboard/occurrences?${new URLSearchParams(rule)}`, {})).json();
}

interface Given {
  /** What stands for the id or the key in the path. */
  readonly target?: string;
  readonly query?: Filled;
  readonly body?: object;
  /** Default: the queue on screen. */
  readonly queue?: string | undefined;
}

/** Asks an operation of a queue, and returns its result. @throws {Refusal} */
export async function act<Result>(address: OperationAddress, { target = "", query, body = {}, queue }: Given = {}) {
  const [method = "", pattern = ""] = address.split(" ");
  const isChange = method !== "GET";
  const name = encodeURIComponent(queue ?? state.snapshot?.queue ?? "");
  const path = pattern.replace(/:\w+/, () => encodeURIComponent(target));
  const search = query ? `?${new URLSearchParams(query)}` : "";
  const response = await send(`queues/${name}${path}${search}`, {
    method,
    headers: { "Content-Type": "application/json", "Tidegate-CSRF": state.snapshot?.csrf ?? "" },
    ...(isChange && { body: JSON.stringify(body) }),
  }).catch((error: Refusal) => {
    // The request may have arrived.
    throw isChange && error.status === 0 ? refusal(UNKNOWN_OUTCOME) : error;
  });
  return response.json().catch(() => undefined) as Promise<Result>;
}

/** Signs in without leaving the page. @throws {Refusal} if the token is refused */
export async function signIn(token: string): Promise<void> {
  const body = new URLSearchParams({ token });
  await send(SIGN_IN, { method: "POST", headers: { Accept: "application/json" }, body });
}

export async function signOut(): Promise<void> {
  await send("dashboard/sign-out", { method: "POST", headers: { "Tidegate-CSRF": state.snapshot?.csrf ?? "" } });
}
