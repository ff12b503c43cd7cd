import { defineConfig } from "tsdown";

// One file for each source: a program loads what it imports and nothing else, whether it is bundled or not.
export default defineConfig({
  entry: [
    "src/index.ts",
    "src/stores/redis-http/index.ts",
    "src/stores/redis-tcp/index.ts",
    "src/http/handler.ts",
    "src/http/dashboard/index.ts",
    "src/client/index.ts",
    "src/react/index.ts",
    "src/platforms/cloudflare.ts",
    "src/platforms/vercel.ts",
    "src/platforms/node.ts",
    "src/qstash/index.ts",
    "src/alerts/index.ts",
    "src/telemetry/index.ts",
    "src/testing/index.ts",
    "src/cli/main.ts",
  ],
  unbundle: true,
  root: "src",
  platform: "neutral",
  target: "es2022",
  fixedExtension: false,
  sourcemap: false,
  dts: true,
  report: false,
  inputOptions: { checks: { pluginTimings: false } },
  deps: { skipNodeModulesBundle: true, neverBundle: /^node:/ },
});
