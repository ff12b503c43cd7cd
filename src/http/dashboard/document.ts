import { contentSecurityPolicy, page } from "./bundle.generated.ts";

/**
 * The dashboard's HTML page. It is the same for everybody and loads its data afterwards. So a link from another site
 * works too, although the browser sends no strict cookie with it.
 *
 * @param start what the page begins with: why a sign-in was refused, or that it starts with all queues. Pass fixed text
 *   only: it is not escaped.
 */
export function pageOf(start?: { readonly refused: string } | { readonly start: "all" }, status = 200): Response {
  const [name, value] = Object.entries(start ?? {})[0] ?? [];
  return new Response(name ? page.replace("<body>", `<body data-${name}="${value}">`) : page, {
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
