import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build, transform } from "esbuild";
import { expect, test } from "vitest";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { actionsOf, lostActions } from "./actions.ts";
import { builtPackage, root } from "./built.ts";

// A bundler considers some calls pure, such as decodeURIComponent, and drops them if only their error matters.

const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.includes("/page/"))
  .sort();

/** Finds the actions of each source that are lost on the way to what `made` gives for it. */
async function losses(made: (file: string, code: string) => Promise<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for (const [file, { code, actions }] of await transpiled)
    all.push(...lostActions(actions, actionsOf(await made(file, code))).map((action) => `${file}: ${action}`));
  return all;
}

const transpiled = Promise.all(
  sources.map(async (file) => {
    const text = readFileSync(join(root, "src", file), "utf8");
    const { code } = await transform(text, { loader: "ts", format: "esm", target: "es2022" });
    return [file, { code, actions: actionsOf(code) }] as const;
  }),
);

test("the build of a module keeps every side effect of its source", async () => {
  const built = await builtPackage();
  const output = (file: string) => join(built, "dist", file.replace(/\.ts$/, ".js"));
  const read = async (file: string) => (existsSync(output(file)) ? readFileSync(output(file), "utf8") : "");
  expect(await losses(read)).toEqual([]);
});

test.runIf(isForAll)("a user's bundler keeps every side effect of a module", async () => {
  const minified = async (_: string, code: string) =>
    (await transform(code, { minifySyntax: true, treeShaking: true, target: "es2022" })).code;
  expect(await losses(minified)).toEqual([]);
});

test("the page of the dashboard keeps every side effect of its sources", async () => {
  const bundled = async (minify: boolean) => {
    const { outputFiles } = await build({
      entryPoints: [join(root, "src/http/dashboard/page/main.ts")],
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
      minifySyntax: minify,
    });
    return actionsOf(outputFiles[0]?.text ?? "");
  };
  expect(lostActions(await bundled(false), await bundled(true))).toEqual([]);
});
