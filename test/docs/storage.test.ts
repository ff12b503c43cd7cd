import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { keysOf } from "../../src/stores/redis/keys.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/internals/storage.md"), "utf8");

/** The names in the first column of a table. */
function namesIn(head: string): readonly string[] {
  const [table = ""] = page.slice(page.indexOf(head)).split("\n\n");
  return [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, names = ""]) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
}

test("the page on what is stored lists each key of a queue", () => {
  const { all: _, ...keys } = keysOf("tidegate", "default");
  expect([...namesIn("| key | type |")].sort()).toEqual(Object.keys(keys).sort());
});

test("it lists each field of a record, and no other", () => {
  // Some fields come from the options of enqueue: only the compiler knows all.
  const file = join(root, "src/core/job/record.ts");
  const program = ts.createProgram([file], { target: ts.ScriptTarget.ES2022, strict: true, noEmit: true });
  const record = program
    .getSourceFile(file)
    ?.statements.find((each) => ts.isInterfaceDeclaration(each) && each.name.text === "JobRecord");
  const fields = record ? program.getTypeChecker().getTypeAtLocation(record).getProperties() : [];
  expect([...namesIn("| field | on |")].sort()).toEqual(fields.map(({ name }) => name).sort());
});
