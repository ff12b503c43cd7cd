import type { Clock } from "../../core/shared/clock.ts";
import { refuseCrossSite } from "../auth.ts";
import { readBytes } from "../contract/body.ts";
import { unauthorized } from "../contract/problems.ts";
import type { DashboardRoute } from "../dashboard-port.ts";
import { pageOf } from "./document.ts";
import { forgotten, type Sessions } from "./session.ts";

/** How many wrong tokens get 401 within a window of so long. */
const MOST_WRONG = 10;
const WINDOW_MS = 60_000;

/**
 * Counts the wrong tokens of this isolate: whether there are too many now. It bounds no guesser who is patient or reaches many
 * isolates, and shuts nobody out: a token that is right signs in whatever came before.
 */
function counter(clock: Clock): () => boolean {
  let beganAt = 0;
  let count = 0;
  return () => {
    const now = clock();
    // The distance, since a clock may be set back.
    if (Math.abs(now - beganAt) >= WINDOW_MS) [beganAt, count] = [now, 0];
    return ++count > MOST_WRONG;
  };
}

const LONGEST_FORM = 4_096;
const TOO_MANY = "Too many wrong tokens. Wait a minute.";
const REFUSED = "No token with the scope read or admin is like this one. Is it complete?";

/** The addresses to which forms are sent, and from which the browser is led back to the page. */
export function signPages(sessions: Sessions | undefined, clock: Clock): readonly DashboardRoute[] {
  const areTooMany = counter(clock);
  return [
    { method: "GET", path: "/dashboard/sign-in", answer: async () => redirect("../dashboard") },
    {
      method: "POST",
      path: "/dashboard/sign-in",
      async answer(request, authenticate) {
        // Another site's page could else sign somebody in with a token of its own.
        refuseCrossSite(request);
        const form = new URLSearchParams(new TextDecoder().decode(await readBytes(request.body, LONGEST_FORM)));
        // What no header can carry was not meant: spaces around it, and what cannot be seen.
        const token = (form.get("token") ?? "").replace(/[^!-~]/g, "");
        const caller = await authenticate(
          new Request(request.url, { headers: { Authorization: `Bearer ${token}` } }),
          false,
        );
        const cookie = caller.token === "known" ? await sessions?.begin(token, request) : undefined;
        return cookie ? redirect("../dashboard", cookie) : refusal(request, areTooMany());
      },
    },
    {
      method: "POST",
      path: "/dashboard/sign-out",
      async answer(request, authenticate) {
        // Without its cookie, which browsers keep from other sites, a request has no session that could refuse it.
        refuseCrossSite(request);
        await authenticate(request, true);
        return redirect("../dashboard", forgotten(request));
      },
    },
  ];
}

/** To a form that the browser sent, the page again; to the page itself, a problem. */
function refusal({ headers }: Request, areTooMany: boolean): Response {
  const detail = areTooMany ? TOO_MANY : REFUSED;
  const status = areTooMany ? 429 : 401;
  return headers.get("accept") === "application/json" ? unauthorized(detail, status) : pageOf(detail, status);
}

function redirect(location: string, cookie?: string): Response {
  const headers = { Location: location, "Cache-Control": "no-store", ...(cookie && { "Set-Cookie": cookie }) };
  return new Response(null, { status: 303, headers });
}
