import { dashboard } from "../../src/http/dashboard/index.ts";
import { type SetUp, setUp } from "../http/memory-handler.ts";

export const auth = {
  enqueue: ["the-enqueue-token"],
  drain: ["the-drain-token"],
  signal: ["the-signal-token"],
  read: ["the-read-token"],
  admin: ["the-admin-token", "the-admin-two"],
};

/** A handler with a dashboard, and functions that act as a browser. */
export function setUpDashboard({ handler, queue }: SetUp = {}) {
  const parts = setUp({ handler: { auth, dashboard: dashboard(), ...handler }, ...(queue && { queue }) });
  const signIn = (token: string, headers: Record<string, string> = {}, base = "http://queue.test") =>
    parts.app.fetch(
      new Request(`${base}/dashboard/sign-in`, {
        method: "POST",
        headers: { Origin: new URL(base).origin, Accept: "text/html", ...headers },
        body: new URLSearchParams({ token }),
      }),
    );
  /** The headers of a signed-in browser, and the token that its changes must carry. */
  const session = async (token = "the-admin-token") => {
    const cookie = cookieOf(await signIn(token));
    const { body } = await parts.call("GET", "/dashboard/data?view=overview", undefined, { Cookie: cookie });
    return { cookie, csrf: String(body["csrf"]) };
  };
  return { ...parts, signIn, session };
}

/** What a browser would send back. */
export function cookieOf(response: Response): string {
  return (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}
