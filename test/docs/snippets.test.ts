import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pagePaths } from "../../docs/.vitepress/pages.ts";
import manifest from "../../package.json" with { type: "json" };
import { importsOf, uses } from "../../scripts/docs/imports.ts";
import { snippets } from "../../scripts/docs/snippets.ts";
import { root as repository } from "../package/built.ts";

describe("the code in the docs", () => {
  test("comes from files that tests run", async () => {
    expect(await snippets({ check: true })).toEqual([]);
  });

  /** Every fenced block of a page: its language, its content, and the file that the line above it names. */
  async function blocksOf(page: string) {
    const text = await readFile(join(repository, page), "utf8");
    return [...text.matchAll(/(?<=^|\n)([^\n]*)\n```(\w*)\n([\s\S]*?)```/g)].map(
      ([, above = "", language = "", code = ""]) => ({
        page,
        language,
        code,
        // Code for another product, which is not installed here, names the version whose types it fits.
        source: /^<!-- (?:from: ([^#]+?)|checked with \S+@[\d.]+)(?:#\S+)? -->$/.exec(above)?.slice(0, 2),
      }),
    );
  }

  const pages = pagePaths().filter((page) => !/^docs\/(internals\/|http|commands)|^[A-Z]+(?<!README)\.md/.test(page));

  test("is in a file that is run: TypeScript, settings, and each command for a queue", async () => {
    const blocks = (await Promise.all(pages.map(blocksOf))).flat();
    const mustBeRun = blocks.filter(
      ({ language, code, page }) =>
        /^(ts|tsx|js|json|toml)$/.test(language) ||
        // The commands of the quickstart are run where they stand.
        (language === "sh" && page.startsWith("docs/guide/") && /^(curl|npx tidegate (?!dev\b))/m.test(code)),
    );
    expect(mustBeRun.length).toBeGreaterThan(50);
    expect(mustBeRun.filter(({ source }) => !source)).toEqual([]);
  });

  test("imports each name of Tidegate that it uses, or continues a file that does", async () => {
    const entryPoints = Object.keys(manifest.exports).filter((each) => each !== "./package.json");
    const modules = await Promise.all(entryPoints.map((each) => import(each.replace(/^\./, "tidegate"))));
    const names = [...new Set(modules.flatMap((module) => Object.keys(module)))];
    expect(names).toContain("durableObjectWake");
    const missing: string[] = [];
    for (const page of pages) {
      const shown = new Map<string, string>();
      for (const { language, code, source = [] } of await blocksOf(page)) {
        if (!/^tsx?$/.test(language)) continue;
        const [, file = code] = source;
        const text = `${shown.get(file) ?? ""}${code}`;
        shown.set(file, text);
        const known = new Set(importsOf(text).map(({ name }) => name));
        const isOwn = (name: string) =>
          new RegExp(`(?:const|let|function|class) (?:\\{[^}=]*\\b)?${name}\\b`).test(text);
        missing.push(
          ...names
            .filter((name) => uses(code, name) && !known.has(name) && !isOwn(name))
            .map((name) => `${page}: ${name}`),
        );
      }
    }
    expect(missing).toEqual([]);
  });
});

describe("snippets", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "tidegate-snippets-"));
  });
  afterAll(() => rm(root, { recursive: true }));
  beforeEach(async () => {
    await rm(join(root, "docs"), { recursive: true, force: true });
    await write("docs/page.md", "");
    await write("README.md", "# Nothing here\n");
  });

  async function write(file: string, text: string) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  const page = () => readFile(join(root, "docs/page.md"), "utf8");
  const block = (source: string, code = "") =>
    `Before.\n\n<!-- from: ${source} -->\n\`\`\`ts\n${code}\`\`\`\n\nAfter.\n`;

  const source = `import { a } from "a";

export function f() {
  // #region outer
  one();

  // #region inner
  if (two) {
    three();
  }
  // #endregion
  // #endregion outer
}
`;

  test("fills a block with the region, without indentation and inner markers", async () => {
    await write("a.ts", source);
    await write("docs/page.md", block("a.ts#outer", "old();\n"));
    expect(await snippets({ check: false, root })).toEqual(["docs/page.md"]);
    expect(await page()).toBe(block("a.ts#outer", "one();\n\nif (two) {\n  three();\n}\n"));
  });

  test("accepts a region inside another one, and whole files", async () => {
    await write("a.ts", source);
    await write("run.sh", "set -e\n# #region go\ngo $now\n# #endregion\n");
    await write("docs/page.md", `${block("a.ts#inner")}${block("run.sh#go")}${block("run.sh")}`);
    await snippets({ check: false, root });
    const filled = [block("a.ts#inner", "if (two) {\n  three();\n}\n"), block("run.sh#go", "go $now\n")];
    expect(await page()).toBe(`${filled.join("")}${block("run.sh", "set -e\ngo $now\n")}`);
  });

  test("keeps text that looks like a replacement pattern", async () => {
    await write("a.ts", '// #region all\n"$& $1 $$";\n// #endregion\n');
    await write("docs/page.md", block("a.ts#all"));
    await snippets({ check: false, root });
    expect(await page()).toBe(block("a.ts#all", '"$& $1 $$";\n'));
  });

  test("reports a difference and writes nothing if it only checks", async () => {
    await write("a.ts", source);
    const old = block("a.ts#inner", "old();\n");
    await write("docs/page.md", old);
    expect(await snippets({ check: true, root })).toEqual(["docs/page.md"]);
    expect(await page()).toBe(old);
  });

  test("finds nothing to change in its own output", async () => {
    await write("a.ts", source);
    await write("docs/deep/er/page.md", block("a.ts#outer"));
    expect(await snippets({ check: false, root })).toEqual(["docs/deep/er/page.md"]);
    expect(await snippets({ check: true, root })).toEqual([]);
  });

  test.for([
    ["none.ts#outer", "docs/page.md takes code from none.ts, which does not exist."],
    ["a.ts#none", 'docs/page.md takes code from the region "none" of a.ts, which does not exist.'],
    ["open.ts#open", 'docs/page.md takes code from the region "open" of open.ts, which does not exist.'],
  ] as const)("refuses %s by name", async ([from, message]) => {
    await write("a.ts", source);
    await write("open.ts", "// #region open\none();\n");
    await write("docs/page.md", block(from));
    await expect(snippets({ check: true, root })).rejects.toThrow(message);
  });

  test("refuses a comment without a block", async () => {
    await write("a.ts", source);
    await write("docs/page.md", "<!-- from: a.ts#outer -->\nText.\n");
    await expect(snippets({ check: true, root })).rejects.toThrow("does not stand right before a fenced block");
  });
});
