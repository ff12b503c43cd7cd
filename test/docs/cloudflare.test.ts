import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { cloudflareFree, cloudflarePaid } from "../../src/platforms/cloudflare.ts";
import { root } from "../package/built.ts";
import { guide } from "./guide.ts";

test("the presets match the guide", async () => {
  const page = await readFile(join(root, "docs/guide/production.md"), "utf8");
  const shown = (field: string) =>
    new RegExp(`^\\| \`${field}\`[^|]*\\| ([\\d,]+) \\| ([\\d,]+) \\|`, "m")
      .exec(page)
      ?.slice(1)
      .map((text) => Number(text.replace(",", "")));
  expect(shown("maxJobs")).toEqual([cloudflareFree.maxJobs, cloudflarePaid.maxJobs]);
  expect(shown("concurrency")).toEqual([cloudflareFree.concurrency, cloudflarePaid.concurrency]);
  expect(shown("budget.roundTrips")).toEqual([cloudflareFree.budget.roundTrips, cloudflarePaid.budget.roundTrips]);
  expect(shown("budget.commands")).toEqual([cloudflareFree.budget.commands, cloudflarePaid.budget.commands]);
});

describe("wrangler", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidegate-guide-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const wrangler = join(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")), "bin/wrangler.js");

  test.for([
    "../starter/wrangler.toml",
    ...(isForAll ? ["cloudflare/fan-out.toml", "cloudflare/wake-producer.toml"] : []),
  ])("accepts %s, and bundles its entry point", async (config) => {
    // The repository's own tsconfig resolves "tidegate" to its sources: in a project, the package is installed.
    const tsconfig = join(root, "tsconfig.json");
    const paths = ["--config", join(guide, config), "--tsconfig", tsconfig, "--outdir", join(folder, "out")];
    const argv = ["deploy", "--dry-run", ...paths];
    const env = { PATH: process.env["PATH"], HOME: folder, CI: "true", WRANGLER_SEND_METRICS: "false" };
    const { stdout } = await promisify(execFile)(process.execPath, [wrangler, ...argv], { cwd: folder, env });
    expect(stdout).toMatch(/--dry-run: exiting now/);
  });
});
