import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export const root = join(import.meta.dirname, "../..");

const run = promisify(execFile);
const cache = join(root, "node_modules/.cache/tidegate");
const published = ["package.json", "README.md", "CHANGELOG.md", "LICENSE"];

/**
 * Builds the package as it is published. Returns a folder that has it in its `node_modules`; its dependencies are found
 * above. The same sources are built once for all tests; `dist` is left alone.
 */
export function installedBuild(): Promise<string> {
  const folder = join(cache, fingerprint());
  const building = underWay.get(folder) ?? buildInto(folder);
  underWay.set(folder, building);
  return building;
}

/** Several tests of one process ask at once; they would build into one folder. */
const underWay = new Map<string, Promise<string>>();

async function buildInto(folder: string): Promise<string> {
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}-${process.pid}`;
  const target = join(unfinished, "node_modules/tidegate");
  await mkdir(target, { recursive: true });
  const build = [
    join(root, "node_modules/tsdown/dist/run.mjs"),
    "--out-dir",
    join(target, "dist"),
    "--logLevel",
    "error",
  ];
  await run(process.execPath, build, { cwd: root });
  for (const file of published) if (existsSync(join(root, file))) await cp(join(root, file), join(target, file));
  // Without it the name of the package would resolve to the surrounding sources.
  await writeFile(join(unfinished, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  // Another test file may have been faster: its build is the same.
  await rename(unfinished, folder).catch(() => rm(unfinished, { recursive: true }));
  await removeOld();
  return folder;
}

const DAY_MS = 86_400_000;

/** No running test uses a build that is a day old. */
async function removeOld(): Promise<void> {
  for (const name of await readdir(cache)) {
    const { mtimeMs } = await stat(join(cache, name)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (mtimeMs < Date.now() - DAY_MS) await rm(join(cache, name), { recursive: true, force: true });
  }
}

/** The folder of the package itself. */
export async function builtPackage(): Promise<string> {
  return join(await installedBuild(), "node_modules/tidegate");
}

function fingerprint(): string {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.[jt]s$/.test(file),
  );
  const files = [...sources.sort().map((file) => `src/${file}`), ...published, "tsdown.config.ts", "tsconfig.json"];
  const hash = createHash("sha256").update(readFileSync(import.meta.filename));
  for (const file of files.filter((each) => existsSync(join(root, each)))) {
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
