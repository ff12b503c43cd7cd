import { spawnSync } from "node:child_process";

const LEAST_MAJOR_VERSION = 8;
const HOW_TO_INSTALL = `Install redis-server ${LEAST_MAJOR_VERSION}.0 or newer and put it on the PATH:
  Debian, Ubuntu  sudo apt-get install redis-server   (older releases: add https://packages.redis.io/deb first)
  macOS           brew install redis
  others          https://redis.io/docs/latest/operate/oss_and_stack/install/`;

/**
 * Makes sure that `redis-server` is on the PATH, and installs it where the package manager asks for no password.
 *
 * @returns its version, such as `"8.0.2"`.
 * @throws {Error} when it is missing and cannot be installed, or is too old. The message tells how to install it.
 */
export function ensureRedis(): string {
  let version = installedVersion();
  if (version === undefined) {
    install();
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

type Command = readonly string[];

function installedVersion(): string | undefined {
  const { stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  return /v=(\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1];
}

function install(): void {
  if (succeeds(["brew", "--version"])) {
    run(["brew", "install", "redis"]);
    return;
  }
  const asRoot: readonly string[] = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  if (asRoot.length > 0 && !succeeds([...asRoot, "true"])) return;
  if (!succeeds(["apt-get", "--version"])) return;
  const apt: Command = [...asRoot, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"];
  // A container often comes without package lists, and old ones name files that the mirror dropped.
  run([...apt, "update"]);
  run([...apt, "install", "-y", "--no-install-recommends", "redis-server"]);
}

function succeeds([command = "", ...args]: Command): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

function run([command = "", ...args]: Command): void {
  // Standard output belongs to whoever called the program.
  spawnSync(command, args, { stdio: ["ignore", 2, 2] });
}

/** Prints the version. */
export function main(): void {
  console.log(`redis-server ${ensureRedis()}`);
}
