import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import type { Plugin as EsbuildPlugin } from "esbuild";
import type { Plugin } from "vite";
import { builtPackage, root } from "../package/built.ts";

const sources = join(root, "src/");

/** Asked for at each import. To find it anew, all sources are read. */
let building: Promise<string> | undefined;

/** The built file of a source; undefined for other files, and for sources that have only types. */
async function builtFile(source: string): Promise<string | undefined> {
  if (!source.startsWith(sources)) return undefined;
  building ??= builtPackage();
  const file = join(await building, "dist", relative(sources, source).replace(/\.ts$/, ".js"));
  return existsSync(file) ? file : undefined;
}

/** Runs tests against the published package: their imports from the sources resolve to the build instead. */
export function againstBuild(): Plugin {
  return {
    name: "tidegate:against-build",
    enforce: "pre",
    watchChange() {
      building = undefined;
    },
    async resolveId(name, importer, options) {
      const resolved = await this.resolve(name, importer, { ...options, skipSelf: true });
      return (resolved && (await builtFile(resolved.id))) ?? resolved;
    },
  };
}

/** The same for programs that a test bundles and starts. */
export const againstBuildInEsbuild: EsbuildPlugin = {
  name: "tidegate:against-build",
  setup(build) {
    build.onResolve({ filter: /\/src\/.*\.ts$/ }, async ({ path, resolveDir }) => {
      const built = await builtFile(join(resolveDir, path));
      return built === undefined ? undefined : { path: built };
    });
  },
};
