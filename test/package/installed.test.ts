import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { builtPackage, root } from "./built.ts";
import { consumer } from "./consumer.ts";

const run = promisify(execFile);
const subpaths = Object.keys(manifest.exports).filter((each) => each !== "./package.json");
const names = subpaths.map((each) => each.replace(/^\./, "tidegate"));

let project: string;
let tarball: string;

// An empty project in which a user installs the package.
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "tidegate-package-"));
  const pack = ["pack", "--silent", "--ignore-scripts", "--pack-destination", project];
  const { stdout } = await run("npm", pack, { cwd: await builtPackage() });
  tarball = join(project, stdout.trim());
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  await writeFile(join(project, "consumer.ts"), consumer);
  const { devDependencies } = manifest;
  const peers = (["@opentelemetry/api", "react"] as const).map((each) => `${each}@${devDependencies[each]}`);
  const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--omit=dev", tarball, ...peers];
  await run("npm", install, { cwd: project });
}, 180_000);

afterAll(() => rm(project, { recursive: true, force: true }));

const inProject = (file: string, args: readonly string[]) => run(file, args, { cwd: project });

describe("the package, installed into an empty project", () => {
  test("has every subpath of the contract", () => {
    const expected = [
      "",
      "/upstash",
      "/redis",
      "/http",
      "/dashboard",
      "/client",
      "/react",
      "/cloudflare",
      "/vercel",
      "/node",
      "/qstash",
      "/alerts",
      "/telemetry",
      "/testing",
    ];
    expect(names).toEqual(expected.map((each) => `tidegate${each}`));
  });

  test("lets each subpath be imported", async () => {
    const lines = names.map((name) => `console.log("${name}", Object.keys(await import("${name}")).length > 0);`);
    const { stdout } = await inProject(process.execPath, ["--input-type=module", "-e", lines.join("\n")]);
    expect(stdout.trimEnd().split("\n")).toEqual(names.map((name) => `${name} true`));
  });

  // What resolves for Node resolves for bundlers.
  test.for(isForAll ? ["nodenext", "bundler"] : ["nodenext"])(
    "has types that compile in a strict program, with the resolution of %s",
    async (resolution) => {
      const module = resolution === "bundler" ? "esnext" : "nodenext";
      const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noEmit"];
      // The compiler's own.
      const unchecked = ["--skipDefaultLibCheck"];
      const options = [
        "--target",
        "es2022",
        "--lib",
        "es2023,dom",
        "--module",
        module,
        "--moduleResolution",
        resolution,
      ];
      // With `--all`, `compile-errors.test.ts` compiles with the other one too.
      const compiler = join(root, "node_modules/typescript-7/bin/tsc");
      const compile = inProject(process.execPath, [compiler, ...strict, ...unchecked, ...options, "consumer.ts"]);
      expect(await compile.catch(({ stdout }) => stdout)).toEqual({ stdout: "", stderr: "" });
    },
  );

  test("performs a job", async () => {
    await build({ entryPoints: [join(project, "consumer.ts")], outdir: project, format: "esm" });
    expect((await inProject(process.execPath, ["consumer.js"])).stdout).toBe("Hello Ada\n");
  });

  test("includes the command", async () => {
    const { stdout } = await inProject(join(project, "node_modules/.bin/tidegate"), ["--version"]);
    expect(stdout.trim()).toBe(manifest.version);
  });

  test("contains the build and the documents, and nothing else", async () => {
    const { stdout } = await run("tar", ["-tzf", tarball]);
    const others = stdout.split("\n").filter((file) => !/^package\/dist\/.+\.(js|d\.ts)$/.test(file));
    expect(
      others.filter((file) => !/^package\/(package\.json|LICENSE|README\.md|CHANGELOG\.md)$|^$/.test(file)),
    ).toEqual([]);
  });
});

describe("the tools that check packages", () => {
  test("publint reports nothing", async () => {
    const { messages, pkg } = await publint({ pkgDir: await builtPackage(), strict: true, pack: false });
    expect(messages.map((message) => formatMessage(message, pkg as never))).toEqual([]);
  });

  // It reads all types once for each way to resolve them.
  test.runIf(isForAll)("arethetypeswrong finds no wrong types for ESM", async () => {
    const analysis = await checkPackage(createPackageFromTarballData(await readFile(tarball)));
    if (!analysis.types) throw new Error("The package has no types.");
    // With its profile esm-only: require, and resolution as in Node 10, are not supported.
    const problems = analysis.problems.filter(
      (problem) =>
        problem.kind !== "CJSResolvesToESM" &&
        !("resolutionKind" in problem && ["node10", "node16-cjs"].includes(problem.resolutionKind)),
    );
    expect(problems).toEqual([]);
  });
});
