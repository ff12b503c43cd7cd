import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { createMarkdownRenderer } from "vitepress";
import { describe, expect, test } from "vitest";
import { siteLink, useSiteLinks } from "../../docs/.vitepress/links.ts";
import { pagePaths, sitePath } from "../../docs/.vitepress/pages.ts";
import { publicationOf } from "../../docs/.vitepress/publication.ts";
import { groups, sidebar } from "../../docs/.vitepress/sidebar.ts";
import { root } from "../package/built.ts";

/** The only page that is written for the site alone. */
const home = "docs/index.md";

/** The pages to which some lines of a page link, in their order. */
function pagesIn(page: string, lines: RegExp): string[] {
  const text = readFileSync(join(root, page), "utf8").match(lines)?.join("\n") ?? "";
  const links = [...text.matchAll(/\]\(([^)#]+\.md)/g)].map(([, link = ""]) => link);
  return links.map((link) => posix.join(posix.dirname(page), link));
}

describe("the site", () => {
  test("has 25 pages for users: at most 35,000 words, besides the README and the code that they take from files", () => {
    const pages = ["Start", "Guide", "Operate", "Compare and migrate"].flatMap(
      (text) => groups.find((each) => each.text === text)?.pages ?? [],
    );
    expect(pages).toHaveLength(25);
    const words = pages
      .filter((page) => page !== "README.md")
      .map((page) => {
        const text = readFileSync(join(root, page), "utf8").replace(/^<!-- (?:from|checked).*\n```[\s\S]*?^```$/gm, "");
        return text.split(/\s+/).length;
      });
    expect(words.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(35_000);
  });

  test("has each page in its sidebar once, apart from the home and the internals", () => {
    const pages = groups.flatMap((group) => group.pages);
    const shown = pagePaths().filter((page) => !page.startsWith("docs/internals/"));
    expect([...pages, home].sort()).toEqual([...shown].sort());
  });

  test("has the order of the pages that the guide lists", () => {
    const listed = ["Guide", "Operate", "Compare and migrate"].flatMap(
      (text) => groups.find((each) => each.text === text)?.pages ?? [],
    );
    expect(pagesIn("docs/guide/README.md", /^\| \[.*$/gm)).toEqual(listed);
  });

  test("gives each page an address of its own", () => {
    const addresses = pagePaths().map(sitePath);
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(addresses).toContain("index.md");
    expect(addresses).toContain("introduction.md");
    expect(addresses).toContain("guide/index.md");
  });

  test("names pages in the sidebar by their titles", () => {
    const items = sidebar().flatMap(({ items }) => items ?? []);
    expect(items).toContainEqual({ text: "Flow control and rate limits", link: "/guide/flow-control" });
    expect(items).toContainEqual({ text: "How it works", link: "/guide/" });
  });

  test("can be built: no page has a dead link, or HTML or braces that Vue would read", async () => {
    const markdown = await createMarkdownRenderer(root, { config: useSiteLinks });
    const plain = /^(<!--|<a id=|<\/a>|<\/?picture>|<source |<img |<br>|&ZeroWidthSpace;)/;
    for (const page of pagePaths()) {
      const tokens = markdown.parse(await readFile(join(root, page), "utf8"), { path: join(root, page) });
      for (const { type, content } of tokens.flatMap((token) => [token, ...(token.children ?? [])])) {
        if (type.startsWith("html") && page !== home) expect(content, page).toMatch(plain);
        if (type === "text") expect(content, page).not.toContain("{{");
      }
    }
  });

  test.each([
    [
      "another page",
      "docs/guide/schedules.md",
      "../internals/guarantees.md#clock-changes",
      "/internals/guarantees.md#clock-changes",
    ],
    ["the README", "docs/guide/README.md", "../../README.md#tidegate", "/introduction.md#tidegate"],
    ["a page from the README", "README.md", "docs/guide/jobs.md", "/guide/jobs.md"],
    ["a heading of the same page", "README.md", "#install", "#install"],
    ["another site", "README.md", "https://example.com/a.md", "https://example.com/a.md"],
    [
      "a source",
      "docs/internals/scaling.md",
      "../../src/core/drain/drain.ts",
      "https://example.com/owner/tidegate/blob/HEAD/src/core/drain/drain.ts",
    ],
    [
      "a folder",
      "docs/guide/README.md",
      "../../examples/starter",
      "https://example.com/owner/tidegate/tree/HEAD/examples/starter",
    ],
  ])("leads a link to %s", (_, page, link, target) => {
    const repository = "https://example.com/owner/tidegate";
    expect(siteLink(page, link, { repository, site: undefined })).toBe(target);
  });

  test("leaves out a link to a source while no repository is published", () => {
    expect(siteLink("docs/guide/README.md", "../../examples/starter", publicationOf({}))).toBeUndefined();
  });

  test.each(["gone.md", "../gone.md#heading", "../../../outside.md"])("refuses the dead link %s", (link) => {
    expect(() => siteLink("docs/guide/jobs.md", link)).toThrow(`docs/guide/jobs.md: dead link ${link}`);
  });
});
