import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { pagePaths } from "../../docs/.vitepress/pages.ts";
import { anchorOf } from "../../scripts/docs/anchor.ts";
import { root } from "../package/built.ts";

/** The anchors of the headings of a page. */
function anchorsOf(markdown: string): Set<string> {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, "");
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) => text);
  const anchors = headings.map(anchorOf);
  // Of equal headings, the second gets the number 1.
  return new Set(anchors.map((anchor, at) => numbered(anchor, anchors.slice(0, at))));
}

function numbered(anchor: string, before: readonly string[]): string {
  const times = before.filter((each) => each === anchor).length;
  return times === 0 ? anchor : `${anchor}-${times}`;
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

describe("the documentation", () => {
  test("has no broken links", async () => {
    const broken = await Promise.all(
      pagePaths().map(async (page) => (await brokenLinks(join(root, page))).map((link) => `${page}: ${link}`)),
    );
    expect(broken.flat()).toEqual([]);
  });

  test("lists every page of the guide in its contents", async () => {
    const pages = (await readdir(join(root, "docs/guide"))).filter((file) => file !== "README.md");
    const contents = await readFile(join(root, "docs/guide/README.md"), "utf8");
    expect(pages.filter((page) => !contents.includes(`](${page})`))).toEqual([]);
  });
});
