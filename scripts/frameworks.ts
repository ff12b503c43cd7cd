// npm run frameworks: writes the lock files of examples/frameworks anew. Do so when a dependency of theirs or of the
// package has changed. Names as arguments: these alone.
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import manifest from "../package.json" with { type: "json" };

const root = join(import.meta.dirname, "..");
const run = promisify(execFile);

export const frameworks = join(root, "examples/frameworks");

/** Writes only what the registry says, and installs `file:../tidegate` as it would install the published package. */
const npmOptions = ["--install-links", "--omit-lockfile-registry-resolved", "--no-audit", "--no-fund"];

export async function main(names: readonly string[]): Promise<void> {
  for (const name of names.length > 0 ? names : await readdir(frameworks)) {
    const folder = await mkdtemp(join(tmpdir(), "tidegate-lock-"));
    const app = await layOut(name, folder);
    await rm(join(app, "package-lock.json"), { force: true });
    await npm(app, ["install", "--package-lock-only"]);
    await copyFile(join(app, "package-lock.json"), join(frameworks, name, "package-lock.json"));
    await rm(folder, { recursive: true });
    console.log(`examples/frameworks/${name}/package-lock.json was written.`);
  }
}

/**
 * Puts the manifests of an example beside the package's own, as `file:../tidegate` has it.
 *
 * @returns the folder of the example.
 */
export async function layOut(name: string, folder: string): Promise<string> {
  const app = join(folder, "app");
  for (const each of [app, join(folder, "tidegate")]) await mkdir(each, { recursive: true });
  const { devDependencies: _, scripts: __, ...published } = manifest;
  await writeFile(join(folder, "tidegate/package.json"), JSON.stringify(published));
  for (const file of ["package.json", "package-lock.json"]) {
    const text = await readFile(join(frameworks, name, file), "utf8").catch(() => undefined);
    if (text !== undefined) await writeFile(join(app, file), text);
  }
  return app;
}

/** Runs npm for an example. @throws {Error} with its output, if it fails */
export async function npm(app: string, command: readonly string[]): Promise<void> {
  await run("npm", [...command, ...npmOptions], { cwd: app, env: { ...process.env, CI: "1" } });
}
