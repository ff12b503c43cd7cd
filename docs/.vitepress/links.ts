import { existsSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import type { MarkdownRenderer } from "vitepress";
import manifest from "../../package.json" with { type: "json" };
import { sitePath } from "./pages.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The address of the repository. */
export const repository = manifest.repository.url.replace(/^git\+/, "").replace(/\.git$/, "");

/**
 * What a link means on the site. Pages link to each other and to sources by their paths in the repository, as GitHub
 * shows them.
 *
 * @param page the path of the page with the link.
 * @throws {Error} if the link leads nowhere.
 */
export function siteLink(page: string, link: string): string {
  // A page names its address on the site if the repository does not have it, as that of the API reference.
  if (link.startsWith(manifest.homepage)) return `/${link.slice(manifest.homepage.length)}`;
  if (/^([a-z]+:|#)/.test(link)) return link;
  const [path = "", ...anchor] = link.split(/(?=#)/);
  const target = posix.join(posix.dirname(page), path).replace(/\/$/, "");
  if (target.startsWith("..") || !existsSync(join(root, target))) throw new Error(`${page}: dead link ${link}`);
  if (/^(docs\/.*|[^/]*)\.md$/.test(target)) return [`/${sitePath(target)}`, ...anchor].join("");
  const kind = statSync(join(root, target)).isDirectory() ? "tree" : "blob";
  return [`${repository}/${kind}/HEAD/${target}`, ...anchor].join("");
}

/** Makes the links of each page those of the site. */
export function useSiteLinks(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push("site-links", ({ env, tokens }) => {
    // For the search, pages are rendered where they stand, and have no other path.
    const page = posix.relative(root, env.realPath ?? env.path);
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === "link_open" && token.attrGet("href");
      if (href) token.attrSet("href", siteLink(page, href));
    }
  });
}
