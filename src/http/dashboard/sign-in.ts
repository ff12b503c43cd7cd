import { TidegateError } from "../../core/errors.ts";
import { refuseOtherSites } from "../auth.ts";
import { readBytes } from "../body.ts";
import type { Page } from "../extension.ts";
import { pageOf } from "./document.ts";
import { forgotten, type Sessions } from "./session.ts";

const LONGEST_FORM = 4_096;
const REFUSED = "No token with the scope read or admin is like this one. Is it complete?";

/** The addresses to which forms are sent, and from which the browser is led back to the page. */
export function signPages(sessions: Sessions | undefined): readonly Page[] {
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
        return cookie ? redirect("../dashboard", cookie) : refusal(request);
      },
    },
    {
      method: "POST",
      path: "/dashboard/sign-out",
      async answer(request, authenticate) {
        await authenticate(request, true);
        return redirect("../dashboard", forgotten(request));
      },
    },
  ];
}

/** To a form that the browser sent, the page again; to the page itself, a problem. */
function refusal({ headers }: Request): Response {
  if (headers.get("accept") === "application/json") throw new TidegateError("unauthorized", REFUSED);
  return pageOf(REFUSED);
}

function redirect(location: string, cookie?: string): Response {
  const headers = { Location: location, "Cache-Control": "no-store", ...(cookie && { "Set-Cookie": cookie }) };
  return new Response(null, { status: 303, headers });
}
