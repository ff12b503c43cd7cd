import type { Clock } from "../../core/clock.ts";
import { TidegateError } from "../../core/errors.ts";
import { refuseOtherSites } from "../auth.ts";
import { readBytes } from "../body.ts";
import type { Page } from "../extension.ts";
import { tooManyRequests } from "../problems.ts";
import { pageOf } from "./document.ts";
import { forgotten, type Sessions } from "./session.ts";

/** How many wrong tokens are taken calmly within a window of so long. */
const MOST_WRONG = 10;
const WINDOW_MS = 60_000;

/**
 * Counts the wrong tokens of this isolate. It bounds no guesser who is patient or reaches many isolates, and shuts nobody out: a
 * token that is right signs in whatever came before.
 */
class WrongTokens {
  readonly #clock: Clock;
  #beganAt = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one more. Returns for how many seconds there are too many now; 0 where there are not. */
  add(): number {
    const now = this.#clock();
    // The distance, since a clock may be set back.
    if (Math.abs(now - this.#beganAt) >= WINDOW_MS) {
      this.#beganAt = now;
      this.#count = 0;
    }
    this.#count++;
    return this.#count <= MOST_WRONG ? 0 : Math.max(1, Math.ceil((this.#beganAt + WINDOW_MS - now) / 1_000));
  }
}

const LONGEST_FORM = 4_096;
const TOO_MANY = "Too many wrong tokens. Wait a minute. The right one is taken at any time.";
const REFUSED = "No token with the scope read or admin is like this one. Is it complete?";

/** The addresses to which forms are sent, and from which the browser is led back to the page. */
export function signPages(sessions: Sessions | undefined, clock: Clock): readonly Page[] {
  const wrong = new WrongTokens(clock);
  return [
    { method: "GET", path: "/dashboard/sign-in", answer: async () => redirect("../dashboard") },
    {
      method: "POST",
      path: "/dashboard/sign-in",
      async answer(request, authenticate) {
        // Another site's page could else sign somebody in with a token of its own.
        refuseOtherSites(request);
        const form = new URLSearchParams(new TextDecoder().decode(await readBytes(request.body, LONGEST_FORM)));
        // What no header can carry was not meant: spaces around it, and what cannot be seen.
        const token = (form.get("token") ?? "").replace(/[^!-~]/g, "");
        const caller = await authenticate(
          new Request(request.url, { headers: { Authorization: `Bearer ${token}` } }),
          false,
        );
        const cookie = caller.token === "known" ? await sessions?.begin(token, request) : undefined;
        return cookie ? redirect("../dashboard", cookie) : refusal(request, wrong.add());
      },
    },
    {
      method: "POST",
      path: "/dashboard/sign-out",
      async answer(request, authenticate) {
        // Without its cookie, which browsers keep from other sites, a request has no session that could refuse it.
        refuseOtherSites(request);
        await authenticate(request, true);
        return redirect("../dashboard", forgotten(request));
      },
    },
  ];
}

/** To a form that the browser sent, the page again; to the page itself, a problem. */
function refusal({ headers }: Request, waitSeconds: number): Response {
  const isPage = headers.get("accept") === "application/json";
  if (waitSeconds > 0)
    return isPage ? tooManyRequests(TOO_MANY, waitSeconds) : pageOf({ status: 429, refused: TOO_MANY });
  if (isPage) throw new TidegateError("unauthorized", REFUSED);
  return pageOf({ status: 401, refused: REFUSED });
}

function redirect(location: string, cookie?: string): Response {
  const headers = { Location: location, "Cache-Control": "no-store", ...(cookie && { "Set-Cookie": cookie }) };
  return new Response(null, { status: 303, headers });
}
