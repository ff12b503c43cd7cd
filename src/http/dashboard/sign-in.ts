import type { Clock } from "../../core/shared/clock.ts";
import { refuseCrossSite } from "../auth.ts";
import { readBytes } from "../contract/body.ts";
import { unauthorized } from "../contract/problems.ts";
import type { DashboardRoute } from "../dashboard-port.ts";
import { pageOf } from "./document.ts";
import { forgotten, type Sessions } from "./session.ts";

const MOST_WRONG = 10;
const WINDOW_MS = 60_000;

/**
 * Counts the wrong tokens of this isolate in a window. The returned function says whether there are too many. This does
 * not stop someone who is patient or reaches many isolates, and locks nobody out: a right token always works.
 */
function counter(clock: Clock): () => boolean {
  let beganAt = 0;
  let count = 0;
  return () => {
    const now = clock();
    // The absolute distance, because a clock can be set back.
    if (Math.abs(now - beganAt) >= WINDOW_MS) [beganAt, count] = [now, 0];
    return ++count > MOST_WRONG;
  };
}

const LONGEST_FORM = 4_096;
const TOO_MANY = "Too many wrong tokens. Wait a minute.";
const REFUSED = "This is not a token with the scope read or admin. Is it complete?";

/** The paths that the sign-in and sign-out forms post to. */
export function signPages(sessions: Sessions | undefined, clock: Clock): readonly DashboardRoute[] {
  const areTooMany = counter(clock);
  return [
    { method: "GET", path: "/dashboard/sign-in", respond: async () => redirect("../dashboard") },
    {
      method: "POST",
      path: "/dashboard/sign-in",
      async respond(request, authenticate) {
        // Else another site's page could sign you in with a token of its own.
        refuseCrossSite(request);
        const form = new URLSearchParams(new TextDecoder().decode(await readBytes(request, LONGEST_FORM)));
        // Removes what no header can carry: surrounding spaces and invisible characters.
        const token = (form.get("token") ?? "").replace(/[^!-~]/g, "");
        const withToken = new Request(request.url, { headers: { Authorization: `Bearer ${token}` } });
        const caller = await authenticate(withToken, false);
        const cookie = caller.token === "known" ? await sessions?.begin(token, request) : undefined;
        return cookie ? redirect("../dashboard", cookie) : refusal(request, areTooMany());
      },
    },
    {
      method: "POST",
      path: "/dashboard/sign-out",
      async respond(request, authenticate) {
        // Browsers send no strict cookie with other sites' requests, so no session would refuse this one.
        refuseCrossSite(request);
        await authenticate(request, true);
        return redirect("../dashboard", forgotten(request));
      },
    },
  ];
}

/** A browser's form gets the page again. The page's own request gets a problem. */
function refusal({ headers }: Request, areTooMany: boolean): Response {
  const detail = areTooMany ? TOO_MANY : REFUSED;
  const status = areTooMany ? 429 : 401;
  return headers.get("accept") === "application/json"
    ? unauthorized(detail, status)
    : pageOf({ refused: detail }, status);
}

export function redirect(location: string, cookie?: string): Response {
  const headers = { Location: location, "Cache-Control": "no-store", ...(cookie && { "Set-Cookie": cookie }) };
  return new Response(null, { status: 303, headers });
}
