import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

const inWorkerd = "test/runtimes/workerd/**/*.test.ts";

export default defineConfig({
  // "tidegate" and its subpaths, which the examples import as users do, stand for the sources.
  resolve: { tsconfigPaths: true },
  test: {
    silent: "passed-only",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: "node", include: ["test/**/*.test.ts"], exclude: [inWorkerd] },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest({
            main: "./examples/cloudflare/worker.ts",
            miniflare: { compatibilityDate: "2026-04-21", bindings: { TIDEGATE_LOCAL: "1" } },
          }),
        ],
        test: {
          name: "workerd",
          include: [inWorkerd],
          globalSetup: "./test/runtimes/workerd/setup.ts",
        },
      },
    ],
  },
});
