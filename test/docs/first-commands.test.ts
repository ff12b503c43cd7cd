// The commands of the README, on a machine that lacks something.
import { execFile, spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { ensureRedis } from "../../scripts/ensure-redis.ts";
import { root } from "../package/built.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tidegate-first-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("CI runs the checks, and then the test command of the README word for word", async () => {
  const lines = (await readFile(join(root, ".ci/run"), "utf8")).trim().split("\n");
  const last = lines.at(-1) ?? "";
  expect(last).toBe("npm ci && npm test");
  expect(lines).toContain("npm run check");
  expect((await readFile(join(root, "README.md"), "utf8")).split("\n")).toContain(last);
});

test("the README installs the tarball that npm pack writes", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  expect(readme).toContain(`npm install ../tidegate/${manifest.name}-${manifest.version}.tgz `);
});

describe("npm test and npm start", () => {
  const attempt = (script: string) =>
    promisify(execFile)("npm", ["--silent", script], { cwd: folder }).then(
      () => "it ran",
      (error) => error.stdout + error.stderr,
    );

  beforeEach(async () => {
    await cp(join(root, "scripts"), join(folder, "scripts"), { recursive: true });
    await cp(join(root, "package.json"), join(folder, "package.json"));
    await mkdir(join(folder, "node_modules"));
  });

  test("say in one line what to run if nothing is installed", async () => {
    const line = "The package jiti is not installed. Run: npm ci\n";
    expect(await attempt("test")).toBe(line);
    expect(await attempt("start")).toBe(line);
  });

  test("say so too if only what the demo needs is installed", async () => {
    await symlink(join(root, "node_modules/jiti"), join(folder, "node_modules/jiti"));
    expect(await attempt("test")).toBe("The package vitest is not installed. Run: npm ci\n");
  });
});

describe("without redis-server on the PATH", () => {
  const log = () => readFile(join(folder, "log"), "utf8").then((text) => text.trim().split("\n"));

  /** Puts a program into the only folder of the PATH. It notes how it was called. */
  const program = (name: string, script = "") =>
    writeFile(
      join(folder, name),
      `#!/bin/sh\ncase "$*" in --version | "-n true") exit ;; esac\necho "${name} $*" >>${folder}/log\n${script}\n`,
      { mode: 0o755 },
    );
  const sudo = () => program("sudo", 'shift; exec "$@"');
  /** Installs a server that only knows its version. */
  const installs = (version = "8.0.2") =>
    `case "$*" in *redis*) printf '#!/bin/sh\\necho Redis server v=${version}' >${folder}/redis-server; /bin/chmod +x ${folder}/redis-server ;; esac`;

  beforeEach(async () => {
    vi.stubEnv("PATH", folder);
    await symlink(
      spawnSync("/bin/sh", ["-c", "command -v env"], { encoding: "utf8", env: {} }).stdout.trim(),
      join(folder, "env"),
    );
  });
  afterEach(() => vi.unstubAllEnvs());

  test.each([
    ["apt-get", ["update", "install -y --no-install-recommends redis-server"]],
    ["apk", ["add --no-cache redis"]],
    ["dnf", ["install -y redis"]],
  ])("%s installs it, as root and with a sudo that asks for no password", async (name, calls) => {
    const options = name === "apt-get" ? "-o DPkg::Lock::Timeout=120 " : "";
    const expected = calls.map((call) => `${name} ${options}${call}`);
    await program(name, installs());
    expect(ensureRedis({ isRoot: true })).toBe("8.0.2");
    expect(await log()).toEqual(expected);

    await rm(join(folder, "redis-server"));
    await rm(join(folder, "log"));
    await sudo();
    expect(ensureRedis({ isRoot: false })).toBe("8.0.2");
    expect((await log()).filter((line) => !line.startsWith("sudo "))).toEqual(expected);
  });

  test("Homebrew installs it, without sudo", async () => {
    await program("brew", installs());
    await sudo();
    expect(ensureRedis({ isRoot: false })).toBe("8.0.2");
    expect(await log()).toEqual(["brew install redis"]);
  });

  test("a package manager that nobody may use, fails or is missing leads to how to install it", async () => {
    const says =
      /^redis-server was not found, and could not be installed\.\n.*\n.*apt-get install redis-server\n.*brew install redis\n/;
    expect(() => ensureRedis({ isRoot: true })).toThrow(says);
    await program("apt-get", "exit 100");
    expect(() => ensureRedis({ isRoot: false })).toThrow(says);
    await expect(log()).rejects.toThrow("ENOENT");
    expect(() => ensureRedis({ isRoot: true })).toThrow(says);
  });

  test("one that installs an old server leads to how to get a newer one", async () => {
    await program("apt-get", installs("7.0.15"));
    expect(() => ensureRedis({ isRoot: true })).toThrow(/^redis-server 7\.0\.15 is too old: .*\n.*8\.0 or newer/);
  });
});
