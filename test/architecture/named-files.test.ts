import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const folders = ["bench", "docs", "examples", "scripts", "src", "test"];
const files = [
  ...readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : [])),
  ...folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`),
  ),
];
/**
 * Each file and folder under all names that lead to it: `src/core/drain/drain.ts`, `core/drain/drain.ts`,
 * `drain/drain.ts`, `drain.ts`.
 */
const known = new Set(files.flatMap((file) => file.split("/").map((_, at, parts) => parts.slice(at).join("/"))));

/** Files of users, or what is made when it is asked for. */
const others = [
  ...["api.ts", "api/queue.ts", "app/api/send-email/route.ts", "src/jobs.ts", "src/jobs.test.ts", "src/worker.ts"],
  ...["openapi.json", "scripts/NAME.ts", "docs/.vitepress/dist", "starter/tsconfig.json"],
];

/** Whether something has this name, in which `*` stands for any part of it. */
function isKnown(name: string): boolean {
  if (!name.includes("*")) return known.has(name) || others.includes(name);
  const pattern = new RegExp(`^${name.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
  return [...known].some((each) => pattern.test(each));
}

const FILE = /(?:[\w@*.-]+\/)*[\w@*-][\w@*.-]*\.(?:ts|tsx|mjs|lua|md|json|yml|toml|html|css)\b(?!\()/g;
const PATH = new RegExp(`\`((?:${folders.join("|")})/[\\w/.-]*\\w)\``, "g");

/** The files and folders named in a text that do not exist. */
function missingIn(text: string): string[] {
  const prose = text.replace(/https?:\/\/\S+/g, "");
  const named = [...prose.matchAll(FILE), ...prose.matchAll(PATH)].map(([whole, path = whole]) => path);
  return named.filter((path) => !isKnown(path.replace(/^(\.\.?\/)+/, "")));
}

/** What people read in a file: its comments, or a page without its code. */
function proseOf(file: string, text: string): string {
  if (file.endsWith(".md")) return text.replace(/^\s*```[\s\S]*?^\s*```/gm, "");
  const comment = file.endsWith(".lua") ? /--.*$/gm : /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*$/gm;
  return (text.match(comment) ?? []).join("\n");
}

const isGenerated = (file: string) => /(?:scripts|bundle|\.generated)\.ts$/.test(file) || file.includes(".vitepress/");
const isExample = (file: string) => join(root, file) === import.meta.filename;
const withProse = files.filter((file) => /\.(?:ts|mjs|lua|md)$/.test(file) && !isGenerated(file) && !isExample(file));

test("files and folders that are named in comments and on pages exist", () => {
  const missing = withProse.flatMap((file) =>
    missingIn(proseOf(file, readFileSync(join(root, file), "utf8"))).map((name) => `${file}: ${name}`),
  );
  expect(missing).toEqual([]);
});

test("a file that does not exist is found in a comment and on a page", () => {
  const source = "// As drain.ts and gone.ts do.\nconst file = 'other.ts'; // see test/gone.lua\n/** In `src/gone`. */";
  expect(missingIn(proseOf("a.ts", source))).toEqual(["gone.ts", "test/gone.lua", "src/gone"]);
  expect(missingIn(proseOf("a.lua", "local a = 'gone.ts' -- as in _gone.lua"))).toEqual(["_gone.lua"]);
  expect(missingIn(proseOf("a.md", "See [here](gone.md).\n```ts\n// mine.ts\n```\n"))).toEqual(["gone.md"]);
});
