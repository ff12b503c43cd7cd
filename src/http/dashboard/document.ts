import { contentSecurityPolicy, page } from "./bundle.generated.ts";

/**
 * The dashboard's HTML page. It is the same for everybody and loads its data afterwards. So a link from another site
 * works too, although the browser sends no strict cookie with it.
 *
 * @param refused why a sign-in was refused. It is not escaped, so pass fixed text only.
 */
export function pageOf(refused?: string, status = 200): Response {
  return new Response(refused ? page.replace("<body>", `<body data-refused="${refused}">`) : page, {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": contentSecurityPolicy,
      "X-Content-Type-Options": "nosniff",
      // Within the site the browser sends the referrer: the sign-in form proves its origin with it.
      "Referrer-Policy": "same-origin",
      "Cache-Control": "no-store",
    },
  });
}
