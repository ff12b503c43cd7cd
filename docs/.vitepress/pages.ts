import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where the API reference is written when the site is built. Git ignores it. */
export const referenceFolder = "docs/api";

/** The pages of the site by their paths in the repository: those at its root, and all of `docs/`. */
export function pagePaths(): readonly string[] {
  const docs = markdownIn("docs").filter((page) => !page.startsWith(`${referenceFolder}/`));
  return [...readdirSync(root).filter((file) => file.endsWith(".md")), ...docs].sort();
}

/** The pages of the API reference, if it has been written. */
export function referencePaths(): readonly string[] {
  return existsSync(join(root, referenceFolder)) ? markdownIn(referenceFolder).sort() : [];
}

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`);
}

/** Where a page stands on the site: `docs/index.md` is the home, and `docs/guide/README.md` is `guide/index.md`. */
export function sitePath(page: string): string {
  if (page === "README.md") return "introduction.md";
  return page
    .replace(/^docs\//, "")
    .replace(/README\.md$/, "index.md")
    .toLowerCase();
}

/** The address of a page, below that of the site: `guide/`, `guide/retries`. */
export function addressOf(page: string): string {
  return sitePath(page).replace(/(index)?\.md$/, "");
}

/** The title of a page: its first heading. Among the others, the README is the introduction. */
export function titleOf(page: string): string {
  if (page === "README.md") return "Introduction";
  return /^# (.+)$/m.exec(readFileSync(join(root, page), "utf8"))?.[1] ?? page;
}

/** Whether a page of the API reference is that of a type, which has no value. */
export function isOfType(page: string): boolean {
  return readFileSync(join(root, page), "utf8").includes("\nimport type { ");
}

const LONGEST = 200;

/** What a page is about: its first paragraph, up to a whole sentence. Undefined if it has no paragraph. */
export function descriptionOf(page: string): string | undefined {
  const text = readFileSync(join(root, page), "utf8").replace(/^(---|```)[\s\S]*?^\1$|<!--[\s\S]*?-->/gm, "");
  const paragraph = text.split(/\n\s*\n/).find((block) => /^(\w|`|\*\*.{30}|\[\w)/.test(block.trim()));
  const plain = paragraph
    ?.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\*\*|[`\\]/g, "")
    .replace(/\s+/g, " ")
    .trim();
  if (plain === undefined || plain.length <= LONGEST) return plain?.replace(/:$/, ".");
  const sentences = plain.slice(0, LONGEST).replace(/(?<=[.!?]) [^.!?]*$/, "");
  return sentences.length < LONGEST ? sentences : `${sentences.replace(/\s\S*$/, "")} …`;
}
