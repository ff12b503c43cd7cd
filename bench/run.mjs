// npm run bench: bundles the benchmark, its helper processes and its Workers, and runs it. Arguments are passed to
// main.ts.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = import.meta.dirname;
// Inside node_modules, so that the packages measured are found and loaded as their users load them, not bundled.
const outdir = join(here, "../node_modules/.cache/tidegate-bench");
const common = { outdir, outExtension: { ".js": ".mjs" }, bundle: true, format: "esm" };

await build({
  ...common,
  entryPoints: readdirSync(here)
    .filter((file) => file === "main.ts" || file.endsWith("-process.ts"))
    .map((file) => join(here, file)),
  packages: "external",
  platform: "node",
});

// One module each, with the options of wrangler, and of `wrangler deploy --minify`.
const worker = (name) => join(here, `workerd/${name}.ts`);
const asWrangler = { ...common, target: "es2024", keepNames: true, conditions: ["workerd", "worker", "browser"] };
await build({
  ...asWrangler,
  entryPoints: ["worker", "empty", "schedule-declared", "schedule-in-request"].map(worker),
});
await build({ ...asWrangler, entryPoints: [worker("worker")], entryNames: "[name]-minified", minify: true });

await buildFirstVersion("ad63556", join(outdir, "first"));

/** Bundles an earlier commit, with the dependencies of this one. Without a history there is nothing to compare with. */
async function buildFirstVersion(commit, target) {
  const sources = join(outdir, "first-source");
  rmSync(target, { recursive: true, force: true });
  mkdirSync(sources, { recursive: true });
  try {
    const archive = execFileSync("git", ["archive", commit, "src"], { cwd: join(here, ".."), maxBuffer: 2 ** 28 });
    execFileSync("tar", ["-x", "-C", sources], { input: archive });
  } catch {
    process.stderr.write(`Without the commit ${commit} in the history, nothing is compared with the first version.\n`);
    return;
  }
  const entryPoints = { index: "index.ts", upstash: "stores/upstash/index.ts", redis: "stores/redis/index.ts" };
  await build({
    ...common,
    outdir: target,
    entryPoints: Object.fromEntries(
      Object.entries(entryPoints).map(([name, file]) => [name, join(sources, "src", file)]),
    ),
    splitting: true,
    packages: "external",
    platform: "node",
  });
}

await import(pathToFileURL(join(outdir, "main.mjs")).href);
