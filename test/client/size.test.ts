import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** Other gzips than that of Node pack less well: GNU's takes some 20 bytes more. */
const OTHERS_NEED = 22;

test("the client is at most 2 KB, minified and gzipped, with all that it imports", async () => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: fileURLToPath(new URL("../..", import.meta.url)),
    entryPoints: ["src/client/index.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    metafile: true,
  });
  expect(gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length).toBeLessThanOrEqual(2_048 - OTHERS_NEED);
  expect(Object.keys(metafile.inputs).sort()).toEqual([
    "src/client/index.ts",
    "src/client/transport.ts",
    "src/core/duration.ts",
    "src/core/errors.ts",
    "src/core/wait.ts",
  ]);
});
