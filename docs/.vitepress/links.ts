import { existsSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import type { MarkdownRenderer } from "vitepress";
import { sitePath } from "./pages.ts";
import { type Publication, publication } from "./publication.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * What a link means on the site; undefined for one to a source while no repository is published. Pages link to each
 * other and to sources by their paths in the repository.
 *
 * @param page the path of the page with the link.
 * @throws {Error} if the link leads nowhere.
 */
export function siteLink(page: string, link: string, { repository }: Publication = publication): string | undefined {
  if (/^([a-z]+:|#)/.test(link)) return link;
  const [path = "", ...anchor] = link.split(/(?=#)/);
  const target = posix.join(posix.dirname(page), path).replace(/\/$/, "");
  if (target.startsWith("..") || !existsSync(join(root, target))) throw new Error(`${page}: dead link ${link}`);
  if (/^(docs\/.*|[^/]*)\.md$/.test(target)) return [`/${sitePath(target)}`, ...anchor].join("");
  if (!repository) return undefined;
  const kind = statSync(join(root, target)).isDirectory() ? "tree" : "blob";
  return [`${repository}/${kind}/HEAD/${target}`, ...anchor].join("");
}

/** Makes the links of each page those of the site. */
export function useSiteLinks(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push("site-links", ({ env, tokens }) => {
    // For the search, pages are rendered where they stand, and have no other path.
    const page = posix.relative(root, env.realPath ?? env.path);
    for (const token of tokens) {
      let isLeftOut = false;
      token.children = (token.children ?? []).filter((child) => {
        if (child.type === "link_open") {
          const target = siteLink(page, child.attrGet("href") ?? "");
          isLeftOut = target === undefined;
          if (target !== undefined) child.attrSet("href", target);
        }
        // The text of a link that is left out stays.
        return !isLeftOut || !child.type.startsWith("link_");
      });
    }
  });
}
