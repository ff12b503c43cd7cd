import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkComments, writeReference } from "../../scripts/docs/reference.ts";

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
/** A piece. */
export type Piece<Kind extends string> = { kind: Kind };
`;

let root: string;

const write = (file: string, content: string) => writeFile(join(root, file), content);
const build = () => writeReference(join(root, "api"), root);
const page = (file: string) => readFile(join(root, "api", file), "utf8");
const exported = (...files: readonly string[]) =>
  Object.fromEntries(files.map((file) => [file === "index" ? "." : `./${file}`, { types: `./dist/${file}.d.ts` }]));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tidegate-reference-"));
  await mkdir(join(root, "src"));
  await write("tsconfig.json", JSON.stringify({ compilerOptions: { types: [], lib: ["es5"] }, include: ["src"] }));
  const exports = { ...exported("index", "later"), "./package.json": "./package.json" };
  await write("package.json", JSON.stringify({ name: "small", exports }));
  await write("src/index.ts", greeting);
  await write("src/later.ts", parting);
  await build();
});

afterAll(() => rm(root, { recursive: true }));

describe("the API reference", () => {
  test("has a page for each import of the package", async () => {
    expect(await page("README.md")).toContain("| [small/later](small/later/README.md) | Says goodbye. |");
    expect(await page("small/README.md")).toContain("| [greet](greet.md) | Greets somebody. |");
  });

  test("has a page for each symbol, which says how to import it", async () => {
    const text = await page("small/greet.md");
    expect(text).toContain('# greet()\n\n```ts\nimport { greet } from "small";\n```');
    expect(text).toContain("function greet(name: string): string;");
    expect(await page("small/later/part.md")).toContain('# part\n\n```ts\nimport { part } from "small/later";\n```');
  });

  test("imports types as types", async () => {
    expect(await page("small/later/Piece.md")).toContain(
      '# Piece\n\n```ts\nimport type { Piece } from "small/later";\n```',
    );
  });

  test("has no heading that every symbol has", async () => {
    expect((await page("small/greet.md")).match(/^#.*$/gm)).toEqual(["# greet()"]);
  });

  test("names the errors that are thrown", async () => {
    expect(await page("small/greet.md")).toContain("`RangeError`: if there is nobody.");
  });

  test("does not keep the page of a symbol that is gone", async () => {
    await write("src/index.ts", greeting.replace("greet(", "salute("));
    await build();
    await expect(page("small/greet.md")).rejects.toThrow("ENOENT");
  });

  test("needs a comment of every export", async () => {
    await write("src/later.ts", `${parting}export const silent = 1;\n`);
    await expect(checkComments(root)).rejects.toThrow(/silent .* does not have any documentation/);
  });

  test("needs a comment of every field", async () => {
    const fields = "export interface Told {\n  /** When. */\n  readonly at: Date;\n  readonly why: string;\n}\n";
    await write("src/later.ts", `${parting}/** What is told. */\n${fields}`);
    await expect(checkComments(root)).rejects.toThrow(/^small\/later.Told.why has no comment.$/);
  });

  test("needs each source to say how to import it", async () => {
    await write("src/later.ts", parting.replace("small/later", "small/sooner"));
    await expect(checkComments(root)).rejects.toThrow("src/later.ts must begin with a comment");
  });
});
