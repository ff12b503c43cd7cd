import { contentSecurityPolicy, page } from "./bundle.ts";

/**
 * The page. It is the same for everybody: what it shows it asks for afterwards, so that a link from another site, with which a
 * browser sends no strict cookie, finds the session all the same.
 *
 * @param refused why a sign-in was refused, in words of our own: it is not escaped.
 */
export function pageOf(refused?: string, status = 200): Response {
  return new Response(refused ? page.replace("<body>", `<body data-refused="${refused}">`) : page, {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": contentSecurityPolicy,
      "X-Content-Type-Options": "nosniff",
      // The address goes along within the site, since the sign-in form proves by its origin where it stands.
      "Referrer-Policy": "same-origin",
      "Cache-Control": "no-store",
    },
  });
}
