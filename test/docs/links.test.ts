import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { anchorOf } from "../../scripts/docs/anchor.ts";
import { root } from "../package/built.ts";

/** The anchors of the headings of a page. */
function anchorsOf(markdown: string): Set<string> {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, "");
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) => text);
  return new Set(headings.map(anchorOf));
}

/** The broken links of a page to other files and to its own headings. */
async function brokenLinks(page: string): Promise<string[]> {
  const text = await readFile(page, "utf8");
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  const broken = await Promise.all(
    links
      .filter((link) => !/^https?:/.test(link))
      .map(async (link) => {
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? page : join(dirname(page), path);
        const found = await readFile(target, "utf8").catch((error: NodeJS.ErrnoException) => error.code);
        // GitHub shows folders too.
        if (found === "EISDIR") return [];
        if (found === "ENOENT" || found === undefined) return [link];
        return anchor === undefined || anchorsOf(found).has(anchor) ? [] : [link];
      }),
  );
  return broken.flat();
}

describe("the guide", () => {
  test("has no broken links", async () => {
    const folder = join(root, "docs/guide");
    const pages = (await readdir(folder)).map((file) => join(folder, file));
    const broken = await Promise.all(
      pages.map(async (page) => (await brokenLinks(page)).map((link) => `${relative(root, page)}: ${link}`)),
    );
    expect(broken.flat()).toEqual([]);
  });

  test("lists every page in its contents", async () => {
    const pages = (await readdir(join(root, "docs/guide"))).filter((file) => file !== "README.md");
    const contents = await readFile(join(root, "docs/guide/README.md"), "utf8");
    expect(pages.filter((page) => !contents.includes(`](${page})`))).toEqual([]);
  });
});
