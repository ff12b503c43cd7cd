import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };

test("docs/internals/architecture.md gives a reason for each package that Tidegate depends on", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/internals/architecture.md"), "utf8");
  const [, section = ""] = page.split("\n## Dependencies, and why\n");
  const { dependencies, peerDependencies, devDependencies } = manifest;
  const names = Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies });
  expect(names.filter((name) => !section.includes(`\`${name}\``))).toEqual([]);
});
