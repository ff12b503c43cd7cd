import { expect, test } from "vitest";
import { root } from "../package/built.ts";
import { bundle } from "../package/bundle.ts";

/** Other gzips than that of Node pack less well: GNU's takes some 20 bytes more. */
const OTHERS_NEED = 22;

test("the client is at most 2.2 KB, minified and gzipped, with all that it imports", async () => {
  const { gzipped, read } = await bundle({ absWorkingDir: root, entryPoints: ["src/client/index.ts"] });
  expect(gzipped).toBeLessThanOrEqual(2_252 - OTHERS_NEED);
  expect(read.sort()).toEqual([
    "src/client/index.ts",
    "src/client/transport.ts",
    "src/core/manage/wait.ts",
    "src/core/shared/duration.ts",
    "src/core/shared/errors.ts",
  ]);
});
