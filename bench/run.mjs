// npm run bench: bundles the benchmark and its helper processes, and runs it. Arguments go on to main.ts.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = import.meta.dirname;
// Inside node_modules, so that the packages measured are found and loaded as their users load them, not bundled.
const outdir = join(here, "../node_modules/.cache/tidegate-bench");

await build({
  entryPoints: readdirSync(here)
    .filter((file) => file === "main.ts" || file.endsWith("-process.ts"))
    .map((file) => join(here, file)),
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
});

await import(pathToFileURL(join(outdir, "main.mjs")).href);
