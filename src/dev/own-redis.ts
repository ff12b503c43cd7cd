import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, constants, readFile, realpath, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { DevDirectory } from "./directory.ts";
import { HOST } from "./host.ts";
import { RespClient } from "./resp.ts";
import { StartError } from "./start-error.ts";

/** The Redis that `tidegate dev` has started. */
export interface OwnRedis {
  readonly port: number;
  /** The name of the program and its version: "redis-server 8.0.2". */
  readonly program: string;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<unknown>;
  /** Has it write its data to disk, and end. */
  stop(): Promise<void>;
}

const PROGRAMS = ["redis-server", "valkey-server"];
const HOW_TO_GET_ONE =
  "Neither redis-server nor valkey-server is on the PATH: install one (macOS: brew install redis; Debian, Ubuntu: " +
  "sudo apt-get install redis-server), or start one with Docker (docker run -p 6379:6379 redis) and add --redis redis://localhost:6379.";

const POLL_MS = 5;
const START_WITHIN_MS = 60_000;
const END_WITHIN_MS = 10_000;
const START_ATTEMPTS = 3;

/**
 * Starts a Redis on a free port of 127.0.0.1 with its data in the directory. It ends with this process, even if that is
 * killed, and loses nothing: each command is in its log before it is answered.
 *
 * @param path the variable PATH.
 * @throws {StartError} if there is no redis-server and no valkey-server, or it does not start.
 */
export async function startOwnRedis(directory: DevDirectory, path = ""): Promise<OwnRedis> {
  const program = await findProgram(path);
  if (program === undefined) throw new StartError(HOW_TO_GET_ONE);
  await endEarlierOne(directory);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(directory.kept.redisPort);
    const server = await launch(program, port, directory.path);
    if (server) {
      await directory.keep({ redisPort: port });
      return server;
    }
    // Another program may have taken the port first.
    if (attempt === START_ATTEMPTS) throw new StartError(await whyNot(program, directory.path));
  }
}

async function findProgram(path: string): Promise<string | undefined> {
  const suffixes = process.platform === "win32" ? [".exe", ""] : [""];
  for (const name of PROGRAMS)
    for (const folder of path.split(delimiter).filter((each) => each !== ""))
      for (const suffix of suffixes) {
        const file = join(folder, name + suffix);
        if (
          await access(file, constants.X_OK).then(
            () => true,
            () => false,
          )
        )
          return file;
      }
  return undefined;
}

/** Ends what a killed `tidegate dev` has left running: two must not write to the same files. */
async function endEarlierOne({ path, kept }: DevDirectory): Promise<void> {
  const client = await (kept.redisPort ? RespClient.connect(kept.redisPort) : undefined)?.catch(() => undefined);
  if (!client) return;
  // Another program may listen there now, and never answer.
  const timer = setTimeout(END_WITHIN_MS, undefined, { ref: false }).then(() => client.close());
  const reply = await client.send(["CONFIG", "GET", "dir"]).catch(() => undefined);
  const dir = Array.isArray(reply) ? reply[1] : undefined;
  if (dir === (await realpath(path))) {
    client.send(["SHUTDOWN"]).catch(() => {});
    await Promise.race([client.closed, timer]);
  }
  client.close();
}

async function freePort(wanted = 0): Promise<number> {
  const probe = createServer().listen(wanted, HOST);
  const isFree = await once(probe, "listening").then(
    () => true,
    () => false,
  );
  if (!isFree) return freePort();
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

async function launch(program: string, port: number, directory: string): Promise<OwnRedis | undefined> {
  await rm(join(directory, LOG), { force: true });
  // In a group of its own, so that Ctrl-C in the terminal ends only this process, which then ends it in order.
  const server = spawn(program, settingsOf(port, directory), { stdio: "ignore", detached: true });
  const ended = new Promise((resolve) => {
    server.once("exit", resolve);
    server.once("error", resolve);
  });
  server.unref();
  endWithThisProcess(server);
  for (const start = performance.now(); performance.now() - start < START_WITHIN_MS; await setTimeout(POLL_MS)) {
    if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return undefined;
    const version = await versionOf(server.pid, port);
    if (version !== undefined) return { port, program: version, ended, stop: () => end(server, ended) };
  }
  await end(server, ended);
  return undefined;
}

const LOG = "redis.log";

function settingsOf(port: number, directory: string): string[] {
  const settings = {
    port: String(port),
    bind: HOST,
    dir: directory,
    logfile: LOG,
    loglevel: "warning",
    save: "",
    appendonly: "yes",
    appendfsync: "everysec",
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Ends the server however this process ends, even by SIGKILL: the guard's standard input closes with it. */
function endWithThisProcess(server: ChildProcess): void {
  if (server.pid === undefined || process.platform === "win32") return;
  const guard = spawn("sh", ["-c", 'read _; kill "$0"', String(server.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => {});
  guard.unref();
  // Another process may get the same id.
  server.once("exit", () => guard.kill("SIGKILL"));
}

/** The program and its version, once it replies. Its process id rules out another one that took the port first. */
async function versionOf(pid: number, port: number): Promise<string | undefined> {
  const client = await RespClient.connect(port).catch(() => undefined);
  if (!client) return undefined;
  // Another program on the port may never answer.
  const impatience = setTimeout(1_000, undefined, { ref: false }).then(() => client.close());
  const [pong, information] = await Promise.race([
    Promise.all([client.send(["PING"]), client.send(["INFO", "server"])]).catch(() => []),
    impatience.then(() => []),
  ]);
  client.close();
  const text = String(information);
  if (pong !== "PONG" || !text.includes(`process_id:${pid}\r\n`)) return undefined;
  const valkey = /^valkey_version:(\S+)/m.exec(text)?.[1];
  return valkey === undefined ? `redis-server ${/^redis_version:(\S+)/m.exec(text)?.[1]}` : `valkey-server ${valkey}`;
}

async function end(server: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.ref();
  server.kill("SIGTERM");
  const late = setTimeout(END_WITHIN_MS, undefined, { ref: false }).then(() => server.kill("SIGKILL"));
  await Promise.race([ended, late.then(() => ended)]);
}

async function whyNot(program: string, directory: string): Promise<string> {
  const log = await readFile(join(directory, LOG), "utf8").catch(() => "");
  const last = log.trim().split("\n").slice(-3).join("\n");
  return `${program} did not start with its data in ${directory}. Its log ends with:\n${last || "(nothing)"}`;
}
