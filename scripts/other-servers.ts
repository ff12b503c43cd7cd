import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

export interface OtherServer {
  readonly name: string;
  readonly program: string;
  /** Whether the program on the PATH is this server, if there is one. */
  readonly isOnPath: boolean;
  readonly packages: readonly string[];
  /** The Debian release that has them. */
  readonly release: string;
  readonly howToInstall: string;
}

/**
 * The servers that the tests run on besides redis-server 8: those without HSETEX. Debian has packages of each, which
 * are unpacked next to the other downloads of the project: nothing is installed on the machine, and no service starts.
 */
export const otherServers: readonly OtherServer[] = [
  {
    name: "Valkey",
    program: "valkey-server",
    isOnPath: true,
    packages: ["valkey-server", "valkey-tools"],
    release: "trixie",
    howToInstall: "install valkey-server 7.2 or newer and put it on the PATH (brew install valkey)",
  },
  {
    name: "Redis 7.0",
    program: "redis-server",
    isOnPath: false,
    packages: ["redis-server", "redis-tools"],
    release: "bookworm",
    howToInstall: "needs a Debian with apt-get, which unpacks the packages of Debian 12",
  },
];

const folder = join(import.meta.dirname, "../node_modules/.cache/tidegate/servers");
const MOST_MS = 120_000;

const run = promisify(execFile);

/** The path of a server's program; undefined if it is missing. */
export function pathOf(server: OtherServer): string | undefined {
  const places = server.isOnPath ? (process.env["PATH"] ?? "").split(delimiter) : [];
  const paths = [...places.map((place) => join(place, server.program)), unpacked(server)];
  return paths.find((path) => existsSync(path));
}

/**
 * Downloads missing servers, if possible.
 *
 * @returns what to do about each server that is still missing.
 */
export async function bringOtherServers(): Promise<readonly string[]> {
  const missing = otherServers.filter((server) => pathOf(server) === undefined);
  const isThere = await Promise.all(missing.map(unpack));
  return missing.filter((_, index) => !isThere[index]).map(({ name, howToInstall }) => `${name}: ${howToInstall}`);
}

const unpacked = ({ release, program }: OtherServer) => join(folder, release, "usr/bin", program);

/** Unpacks Debian's packages of a server, with separate package lists. */
async function unpack({ release, packages, program }: OtherServer): Promise<boolean> {
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, "new-"));
  try {
    for (const place of ["lists/partial", "archives/partial", "root"])
      mkdirSync(join(work, place), { recursive: true });
    writeFileSync(join(work, "sources.list"), `deb http://deb.debian.org/debian ${release} main\n`);
    const settings = {
      "Dir::Etc::SourceList": join(work, "sources.list"),
      "Dir::Etc::SourceParts": "-",
      "Dir::State::Lists": join(work, "lists"),
      "Dir::Cache": work,
      "APT::Sandbox::User": "root",
      "Acquire::http::Timeout": "20",
      "Acquire::Retries": "3",
    };
    const options = Object.entries(settings).flatMap(([setting, value]) => ["-o", `${setting}=${value}`]);
    const runs = (command: string, ...args: readonly string[]) => run(command, args, { cwd: work, timeout: MOST_MS });
    await runs("apt-get", ...options, "update");
    await runs("apt-get", ...options, "download", ...packages.map((name) => `${name}/${release}`));
    await runs("sh", "-c", 'for file in *.deb; do dpkg-deb -x "$file" root || exit 1; done');
    // It needs the libraries that came with the machine's redis-server.
    await runs(join(work, "root/usr/bin", program), "--version");
    if (!existsSync(join(folder, release))) renameSync(join(work, "root"), join(folder, release));
    return true;
  } catch {
    return false;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Downloads the servers and prints their versions. @returns 1 if one is missing */
export async function main(): Promise<number> {
  const missing = await bringOtherServers();
  for (const path of otherServers.map(pathOf)) if (path) console.log((await run(path, ["--version"])).stdout.trim());
  for (const what of missing) console.error(`Missing: ${what}`);
  return missing.length > 0 ? 1 : 0;
}
