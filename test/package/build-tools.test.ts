import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./built.ts";

const json = (file: string) => JSON.parse(readFileSync(join(root, file), "utf8"));

test("npm ci --omit=dev installs the versions of the tools that build the package and run the demo", () => {
  const { dependencies } = json("scripts/build/package.json");
  expect(json("package.json").devDependencies).toMatchObject(dependencies);
  const { packages } = json("package-lock.json");
  for (const tool of Object.keys(dependencies)) {
    expect(packages[`node_modules/${tool}`]).not.toHaveProperty("dev");
    expect(packages).not.toHaveProperty(`scripts/build/node_modules/${tool}`);
  }
});

test("the lockfile names no registry", () => {
  const { packages } = json("package-lock.json");
  const sources = Object.values<{ resolved?: string }>(packages).flatMap(({ resolved }) => resolved ?? []);
  expect(sources).toEqual(["scripts/build"]);
});
