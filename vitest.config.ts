import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { isForAll } from "./scripts/shared/all-tests.ts";
import { againstBuild } from "./test/support/against-build.ts";
import { LongestFirst } from "./test/support/longest-first.ts";
import tsconfig from "./tsconfig.json" with { type: "json" };

const inWorkerd = "test/runtimes/workerd/**/*.test.ts";
/** Not in workerd, where it takes long to load. */
const properties = ["./test/support/seeded-properties.ts"];
/** Tests of what no user can reach by itself. All others run against the built package. */
const ofParts = ["test/core/**/*.test.ts", "test/architecture/**/*.test.ts"];
/** Tests that build or install much. `npm test -- --all` runs them too. */
const ofFrameworks = ["next", "servers", "express", "jest", "tracing"].map((name) => `test/frameworks/${name}.test.ts`);
/** Whole tasks in a browser, whose parts are tested by themselves. */
const ofBrowser = [
  "test/examples/live.test.ts",
  ...["addresses", "cold", "figures", "questions", "thrift"].map((name) => `test/dashboard/browser-${name}.test.ts`),
];

/**
 * "tidegate" and its subpaths, which the examples import as users do, stand for the sources. `tsconfigPaths` would ask
 * the tsconfig of the starter, which is that of a project with the package installed.
 */
const sources = Object.entries(tsconfig.compilerOptions.paths).map(([name, [path = ""]]) => ({
  find: new RegExp(`^${name}$`),
  replacement: join(import.meta.dirname, path),
}));

export default defineConfig({
  resolve: { alias: sources },
  test: {
    silent: "passed-only",
    // One more than processors, since many tests wait for processes that they start. By default Vitest leaves a processor free.
    maxWorkers: availableParallelism() + 1,
    // A new process for each file, which loads all packages anew, took a sixth of the time.
    isolate: false,
    // A larger space for what is new takes a fourteenth off the CPU time: most of what a test makes is soon garbage.
    execArgv: ["--max-semi-space-size=64"],
    setupFiles: ["./test/support/leave-nothing.ts"],
    sequence: { sequencer: LongestFirst },
    // For a machine that is busy. What hangs is given up, and nothing else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        plugins: [againstBuild()],
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: [inWorkerd, ...ofParts, ...(isForAll ? [] : [...ofFrameworks, ...ofBrowser])],
          globalSetup: "./test/support/before-all.ts",
          setupFiles: properties,
        },
      },
      {
        extends: true,
        test: { name: "parts", include: ofParts, setupFiles: properties },
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
          // Inside workerd the pool loads CommonJS file by file, and gives cron-parser the wrong build of luxon. Wrangler bundles it.
          deps: { optimizer: { ssr: { enabled: true, include: ["cron-parser/dist/CronExpressionParser.js"] } } },
          include: [inWorkerd],
          globalSetup: "./test/runtimes/workerd/setup.ts",
        },
      },
    ],
  },
});
