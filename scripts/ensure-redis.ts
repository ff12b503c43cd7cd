import { spawnSync } from "node:child_process";

const LEAST_MAJOR_VERSION = 8;
const HOW_TO_INSTALL = `Install redis-server ${LEAST_MAJOR_VERSION}.0 or newer:
  Debian 13, Ubuntu  sudo apt-get install redis-server
  macOS              brew install redis
  others             https://redis.io/docs/latest/operate/oss_and_stack/install/
If your distribution has an older one, the last page has newer packages.`;

type Command = readonly [program: string, ...args: string[]];

/** What installs redis-server, for each package manager. A container often comes without package lists. */
const packageManagers: Readonly<Record<string, readonly Command[]>> = {
  "apt-get": [
    ["apt-get", "-o", "DPkg::Lock::Timeout=120", "update"],
    ["apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends", "redis-server"],
  ],
  apk: [["apk", "add", "--no-cache", "redis"]],
  dnf: [["dnf", "install", "-y", "redis"]],
};

/**
 * Makes sure that `redis-server` is on the PATH, and installs it where the package manager asks for no password.
 *
 * @returns its version, such as `"8.0.2"`.
 * @throws {Error} when it is missing and cannot be installed, or is too old. The message tells how to install it.
 */
export function ensureRedis({ isRoot = process.getuid?.() === 0 } = {}): string {
  let version = installedVersion();
  if (version === undefined) {
    install(isRoot);
    version = installedVersion();
  }
  if (version === undefined) {
    throw new Error(`redis-server was not found, and could not be installed.\n${HOW_TO_INSTALL}`);
  }
  if (Number.parseInt(version, 10) < LEAST_MAJOR_VERSION) {
    throw new Error(`redis-server ${version} is too old: it has no HSETEX.\n${HOW_TO_INSTALL}`);
  }
  return version;
}

function installedVersion(): string | undefined {
  const { stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  return /v=(\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1];
}

function install(isRoot: boolean): void {
  if (isInstalled("brew")) {
    run(["brew", "install", "redis"]);
    return;
  }
  const name = Object.keys(packageManagers).find(isInstalled);
  if (!name || !(isRoot || succeeds(["sudo", "-n", "true"]))) return;
  for (const command of packageManagers[name] ?? [])
    run([...(isRoot ? [] : ["sudo", "-n"]), "env", "DEBIAN_FRONTEND=noninteractive", ...command]);
}

const isInstalled = (program: string): boolean => succeeds([program, "--version"]);

function succeeds([program, ...args]: Command): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

function run([program = "", ...args]: readonly string[]): void {
  // Standard output belongs to whoever called the program.
  spawnSync(program, args, { stdio: ["ignore", 2, 2] });
}

/** Prints the version. */
export function main(): void {
  console.log(`redis-server ${ensureRedis()}`);
}
