import { contentSecurityPolicy, page } from "./bundle.generated.ts";

/**
 * The dashboard's HTML page. It is the same for everybody and loads its data afterwards. So a link from another site
 * works too, although the browser sends no strict cookie with it.
 *
 * @param refused why a sign-in was refused. Pass fixed text only: it is not escaped.
 */
export function pageOf(refused?: string, status = 200): Response {
  return new Response(refused ? page.replace("<body>", `<body data-refused="${refused}">`) : page, {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": contentSecurityPolicy,
      "X-Content-Type-Options": "nosniff",
      // The sign-in form proves its origin by the referrer.
      "Referrer-Policy": "same-origin",
      "Cache-Control": "no-store",
    },
  });
}
