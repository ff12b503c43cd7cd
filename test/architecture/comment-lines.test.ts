import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const MOST = 120;
const root = join(import.meta.dirname, "../..");
const folders = ["bench", "examples", "scripts", "src", "test"];
// The text of these is made of other files, or of pages.
const isOther = (file: string) => /^src\/.*(?:scripts|bundle|\.generated)\.ts$|^bench\/pages\//.test(file);
const files = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((file) => `${folder}/${file}`)
    .filter((file) => /\.(?:ts|mjs|lua)$/.test(file) && !isOther(file)),
);

/** The numbers of the lines of comments that are too long. Biome breaks code, but no comment. */
function longLines(file: string, text: string): number[] {
  const comment = file.endsWith(".lua") ? /--/ : /^\s*(?:\/\/|\/?\*)|\s\/\/ /;
  return text.split("\n").flatMap((line, index) => (line.length > MOST && comment.test(line) ? [index + 1] : []));
}

test("no line of a comment has more than 120 characters", () => {
  const found = files.flatMap((file) =>
    longLines(file, readFileSync(join(root, file), "utf8")).map((line) => `${file}:${line}`),
  );
  expect(found).toEqual([]);
});

test("a line of a comment that is too long is found", () => {
  const long = "x".repeat(MOST);
  expect(longLines("a.ts", `// ${long}\n/** ${long} */\n/**\n * ${long}\n */\nf(); // ${long}\n"${long}";`)).toEqual([
    1, 2, 4, 6,
  ]);
  expect(longLines("a.lua", `-- ${long}\n  f() -- ${long}\n"${long}"`)).toEqual([1, 2]);
});
