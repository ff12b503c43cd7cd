import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { builtPackage, root } from "../package/built.ts";
import { foreignHosts } from "./hosts.ts";

/** What is not ours, or no text. */
const ignored =
  /(^|\/)(node_modules|\.git|coverage|\.wrangler|cache|\.temp|package-lock\.json)(\/|$)|\.(png|tgz|ico|woff2?)$/;

function filesBelow(top: string, folder = "."): readonly string[] {
  return readdirSync(join(top, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
    if (ignored.test(path)) return [];
    return entry.isDirectory() ? filesBelow(top, path) : entry.isFile() ? path : [];
  });
}

describe("no text sends anybody to a host that is not ours or well known", () => {
  const foreignBelow = (top: string, files: readonly string[]) =>
    files.flatMap((file) => foreignHosts(file, readFileSync(join(top, file), "utf8")));

  test("in the repository", () => {
    const files = filesBelow(root).filter((file) => file !== "test/docs/hosts.test.ts");
    expect(files).toEqual(expect.arrayContaining(["README.md", "package.json", "src/core/shared/clock.ts"]));
    expect(foreignBelow(root, files)).toEqual([]);
  });

  test("in the package as it is published, with its README and the page", async () => {
    const built = await builtPackage();
    const files = filesBelow(built);
    expect(files).toEqual(expect.arrayContaining(["README.md", "package.json", "dist/index.js"]));
    expect(files.some((file) => file.startsWith("dist/http/dashboard/"))).toBe(true);
    expect(foreignBelow(built, files)).toEqual([]);
  });

  test.each([
    ["docs/quickstart.md", "Then run:\ngit clone https://github.com/owner/name", "2: github.com/owner/name"],
    ["docs/guide/jobs.md", "git clone git@github.com:owner/name.git", "1: github.com/owner/name.git"],
    ["docs/guide/jobs.md", "npx degit github:owner/name", "1: github.com/owner/name"],
    ["package.json", '"repository": "github:owner/name"', "1: github.com/owner/name"],
    ["src/index.ts", 'const url = "https://foreign.dev/x";', "1: foreign.dev"],
    ["package.json", '"url": "git+https://github.com/owner/name.git"', "1: github.com/owner/name.git"],
    ["guide/retries.html", '<a href="https://owner.github.io/name/">', "1: owner.github.io"],
  ])("a planted one in %s fails with its place and what to do", (file, text, found) => {
    expect(foreignHosts(file, text)).toEqual([
      expect.stringMatching(new RegExp(`^${file}:${found} is not on the list`)),
    ]);
  });

  test("names that are reserved for examples need no reason", () => {
    expect(foreignHosts("a.md", "https://app.example.com http://queue.test https://localhost/x")).toEqual([]);
  });
});
