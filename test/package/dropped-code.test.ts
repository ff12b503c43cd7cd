import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build, transform } from "esbuild";
import { expect, test } from "vitest";
import { actionsOf, lostActions } from "./actions.ts";
import { builtPackage, root } from "./built.ts";

// A bundler considers some calls pure, such as decodeURIComponent, and drops them if only their error matters.

const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.includes("/page/"))
  .sort();

async function transpiled(file: string): Promise<string> {
  const { code } = await transform(readFileSync(join(root, "src", file), "utf8"), {
    loader: "ts",
    format: "esm",
    target: "es2022",
  });
  return code;
}

test("the build of a module keeps every side effect of its source", async () => {
  const built = await builtPackage();
  const losses: string[] = [];
  for (const file of sources) {
    const output = join(built, "dist", file.replace(/\.ts$/, ".js"));
    const after = actionsOf(existsSync(output) ? readFileSync(output, "utf8") : "");
    losses.push(...lostActions(actionsOf(await transpiled(file)), after).map((action) => `${file}: ${action}`));
  }
  expect(losses).toEqual([]);
});

test("a user's bundler keeps every side effect of a module", async () => {
  const losses: string[] = [];
  for (const file of sources) {
    const code = await transpiled(file);
    const { code: minified } = await transform(code, { minifySyntax: true, treeShaking: true, target: "es2022" });
    losses.push(...lostActions(actionsOf(code), actionsOf(minified)).map((action) => `${file}: ${action}`));
  }
  expect(losses).toEqual([]);
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
