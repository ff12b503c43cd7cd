import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The pages of the site, by their paths in the repository: those at its root, and all of `docs/`. */
export function pagePaths(): readonly string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" });
  return [...readdirSync(root), ...docs.map((path) => `docs/${path.replaceAll("\\", "/")}`)]
    .filter((path) => path.endsWith(".md"))
    .sort();
}

/** Where a page stands on the site: `README.md` is the first one, and `docs/guide/README.md` is `guide/index.md`. */
export function sitePath(page: string): string {
  return page
    .replace(/^docs\//, "")
    .replace(/README\.md$/, "index.md")
    .toLowerCase();
}

/** The title of a page: its first heading. */
export function titleOf(page: string): string {
  return /^# (.+)$/m.exec(readFileSync(join(root, page), "utf8"))?.[1] ?? page;
}
