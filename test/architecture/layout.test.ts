import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { type Entry, layout, readLayout, root } from "./layout.ts";

const sources = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true }).map((entry) => ({
  path: join(entry.parentPath, entry.name).slice(join(root, "src/").length),
  isFolder: entry.isDirectory(),
}));

/** What a tree names that is not there as it says, and the folders that it does not name. */
function wrongIn(tree: readonly Entry[]): string[] {
  const isThere = (below: string, name: string, isFolder: boolean) =>
    sources.some(
      ({ path, isFolder: is }) => is === isFolder && `/${path}`.startsWith(below) && `/${path}`.endsWith(name),
    );
  const named = tree.flatMap(({ path, isFolder, says }) => [
    ...(sources.some((each) => each.path === path && each.isFolder === isFolder) ? [] : [path]),
    ...[...says.matchAll(/[\w/-]*\w\.ts\b/g)].flatMap(([name]) =>
      isThere(`/${dirname(path)}/`.replace("/./", "/"), `/${name}`, false) ? [] : `${path}: ${name}`,
    ),
    ...[...says.matchAll(/(?<=^|[\s(])([\w-]+)\/(?=[\s,:;]|$)/g)].flatMap(([, name]) =>
      isThere(`/${path}/`, `/${name}`, true) ? [] : `${path}: ${name}/`,
    ),
  ]);
  const isNamed = (folder: string) =>
    tree.some(
      ({ path, says }) => path === folder || (path === dirname(folder) && says.includes(`${basename(folder)}/`)),
    );
  return [
    ...named,
    ...sources.flatMap(({ path, isFolder }) => (isFolder && !isNamed(path) ? `${path} is missing` : [])),
  ];
}

test("docs/internals/architecture.md names the folders of src as they are", () => {
  expect(layout.length).toBeGreaterThan(40);
  expect(wrongIn(layout)).toEqual([]);
});

test("a file that is a folder, one that does not exist, and a folder that is not named are found", () => {
  const page =
    "\n```\nsrc/\n  cli.ts     commands\n  core/      dawn/, in noon.ts\n    job/       what codec.ts decodes\n```";
  const wrong = wrongIn(readLayout(page));
  expect(wrong.slice(0, 3)).toEqual(["cli.ts", "core: noon.ts", "core: dawn/"]);
  expect(wrong).toContain("core/drain is missing");
  expect(wrong).not.toContain("core/job is missing");
});

test("each test in test/core is named after a file in the folder of src/core with its name, or imports one", () => {
  const tests = readdirSync(join(root, "test/core"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".test.ts"),
  );
  const misplaced = tests.filter((file) => {
    const isNamesake = sources.some(({ path }) => path === `core/${file.replace(".test.ts", ".ts")}`);
    return !isNamesake && !readFileSync(join(root, "test/core", file), "utf8").includes(`src/core/${dirname(file)}/`);
  });
  expect(misplaced).toEqual([]);
});
