import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reference } from "../../scripts/docs/reference.ts";

const greeting = `/** Says hello. @module small */

/**
 * Greets somebody.
 *
 * @throws {RangeError} if there is nobody.
 */
export function greet(name: string): string {
  return name;
}
`;
const parting = `/** Says goodbye. @module small/later */

/** Parts. */
export const part = "Goodbye";
`;

let root: string;

const write = (file: string, content: string) => writeFile(join(root, file), content);
const read = (file: string) => readFile(join(root, file), "utf8");
const exported = (...files: readonly string[]) =>
  Object.fromEntries(files.map((file) => [file === "index" ? "." : `./${file}`, { types: `./dist/${file}.d.ts` }]));

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tidegate-reference-"));
  await mkdir(join(root, "src"));
  await write("tsconfig.json", JSON.stringify({ compilerOptions: { types: [] }, include: ["src"] }));
  const exports = { ...exported("index", "later"), "./package.json": "./package.json" };
  await write("package.json", JSON.stringify({ name: "small", exports }));
  await write("src/index.ts", greeting);
  await write("src/later.ts", parting);
});

afterEach(() => rm(root, { recursive: true }));

describe("the API reference", () => {
  test("has a page for each import of the package", async () => {
    const files = ["docs/api/README.md", "docs/api/small.md", "docs/api/small/later.md"];
    expect(await reference({ check: false, root })).toEqual(files);
    expect(await read("docs/api/README.md")).toContain("| [small/later](small/later.md) | Says goodbye. |");
    expect(await read("docs/api/small.md")).toContain("function greet(name: string): string;");
  });

  test("names the errors that are thrown", async () => {
    await reference({ check: false, root });
    expect(await read("docs/api/small.md")).toContain("`RangeError`: if there is nobody.");
  });

  test("checks without writing, and finds changed and superfluous pages", async () => {
    await reference({ check: false, root });
    expect(await reference({ check: true, root })).toEqual([]);
    await write("src/index.ts", greeting.replace("Greets", "Salutes"));
    await write("docs/api/gone.md", "");
    expect(await reference({ check: true, root })).toEqual(["docs/api/gone.md", "docs/api/small.md"]);
    expect(await reference({ check: false, root })).toEqual(["docs/api/gone.md", "docs/api/small.md"]);
    expect(await reference({ check: true, root })).toEqual([]);
  });

  test("does not depend on line numbers", async () => {
    await reference({ check: false, root });
    await write("src/index.ts", greeting.replace("\n\n", "\n\n\n\n"));
    expect(await reference({ check: true, root })).toEqual([]);
  });

  test("is refused if an export has no comment", async () => {
    await write("src/later.ts", `${parting}export const silent = 1;\n`);
    await expect(reference({ check: false, root })).rejects.toThrow(/silent .* does not have any documentation/);
  });

  test("is refused if a field of an export has no comment", async () => {
    const fields = "export interface Told {\n  /** When. */\n  readonly at: Date;\n  readonly why: string;\n}\n";
    await write("src/later.ts", `${parting}/** What is told. */\n${fields}`);
    await expect(reference({ check: false, root })).rejects.toThrow(/^small\/later.Told.why has no comment.$/);
  });

  test("is refused if a source does not say how to import it", async () => {
    await write("src/later.ts", parting.replace("small/later", "small/sooner"));
    await expect(reference({ check: false, root })).rejects.toThrow("src/later.ts must begin with a comment");
  });
});
