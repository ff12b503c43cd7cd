import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { upstashRedis } from "../../bench/prices.ts";
import { figures, knownFigures } from "../../scripts/docs/figures.ts";
import { markdownFiles } from "../../scripts/shared/files.ts";
import { root as repository } from "../package/built.ts";

describe("the figures of the pages", () => {
  test("are those of the test, the benchmark or the price that made them", async () => {
    expect(await figures({ check: true })).toEqual([]);
  });

  test("are all used", async () => {
    const pages = await Promise.all(markdownFiles(repository).map((page) => readFile(join(repository, page), "utf8")));
    const used = pages.flatMap((page) => [...page.matchAll(/<!-- = ([\w.-]+) -->/g)].map(([, name]) => name));
    expect([...new Set(used)].sort()).toEqual(Object.keys(await knownFigures()).sort());
  });
});

test("what a message costs on the page of QStash is what the tests count, at the price of Upstash", async () => {
  const read = (file: string) => readFile(join(repository, file), "utf8");
  const [page, ...tests] = await Promise.all(
    ["docs/guide/qstash.md", "test/costs/qstash.test.ts", "test/costs/workflows.test.ts"].map(read),
  );
  const rows = [...(page ?? "").matchAll(/\| ([\d.]+) \| \$([\d.]+) \| (?:about )?\$\d+ \|$/gm)];
  expect(rows.length).toBeGreaterThan(6);
  for (const [row, commands, here] of rows) {
    expect(Number(here), row).toBeCloseTo(Number(commands) * upstashRedis.dollarsPerMillion);
    const counted = tests.some((text) => new RegExp(`(costs|step) ${commands}\\b`).test(text));
    // A message in a batch is what stores and delivers a hundred.
    expect(counted || row?.includes("| 0.24 |"), row).toBe(true);
  }
});

describe("figures", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "tidegate-figures-"));
    await mkdir(join(root, "docs"));
    await writeFile(join(root, "README.md"), "# Nothing here\n");
  });
  afterEach(() => rm(root, { recursive: true }));

  const page = () => join(root, "docs/page.md");

  test("replace what stands before their name, also in tables, links and bold", async () => {
    const { keyed } = await knownFigures();
    await writeFile(page(), "| 1<!-- = keyed --> | **2<!-- = keyed -->** | [?<!-- = keyed --> commands](#a) |\n");
    expect(await figures({ check: false, root })).toEqual(["docs/page.md"]);
    expect(await readFile(page(), "utf8")).toBe(
      `| ${keyed}<!-- = keyed --> | **${keyed}<!-- = keyed -->** | [${keyed}<!-- = keyed --> commands](#a) |\n`,
    );
    expect(await figures({ check: true, root })).toEqual([]);
  });

  test("write nothing when they only check", async () => {
    await writeFile(page(), "1,000<!-- = keyed -->\n");
    expect(await figures({ check: true, root })).toEqual(["docs/page.md"]);
    expect(await readFile(page(), "utf8")).toBe("1,000<!-- = keyed -->\n");
  });

  test("with an unknown name are refused, with the page", async () => {
    await writeFile(page(), "8<!-- = eeger -->\n");
    await expect(figures({ check: true, root })).rejects.toThrow('docs/page.md names the figure "eeger"');
  });
});
