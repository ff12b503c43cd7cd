import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../package/built.ts";
import { foreignHosts } from "./hosts.ts";

/** What is not ours, or no text. */
const ignored = /(^|\/)(node_modules|\.git|coverage|\.wrangler|cache|\.temp)(\/|$)|lock|\.(png|tgz|ico|woff2?)$/;

function filesBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
    if (ignored.test(path)) return [];
    return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? path : [];
  });
}

describe("no text sends anybody to a host that is not ours or well known", () => {
  test("in the repository, the built package and the page", () => {
    const files = filesBelow(".").filter((file) => file !== "test/docs/hosts.test.ts");
    expect(files).toEqual(expect.arrayContaining(["README.md", "package.json", "dist/index.js"]));
    expect(existsSync(join(root, "dist/http/dashboard"))).toBe(true);
    expect(files.flatMap((file) => foreignHosts(file, readFileSync(join(root, file), "utf8")))).toEqual([]);
  });

  test.each([
    ["docs/quickstart.md", "Then run:\ngit clone https://github.com/owner/name", "2: github.com/owner/name"],
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
