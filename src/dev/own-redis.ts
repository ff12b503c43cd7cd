import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, realpath, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import type { DevDirectory } from "./directory.ts";
import { openRedis, send } from "./redis-link.ts";
import { HOST, StartError } from "./start.ts";

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

interface Program {
  readonly name: string;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
}

async function findProgram(path: string): Promise<Program | undefined> {
  const env = { ...process.env, PATH: path };
  for (const name of PROGRAMS) {
    const found = await promisify(execFile)(name, ["--version"], { env }).catch(() => undefined);
    const version = /\bv=(\S+)/.exec(found?.stdout ?? "")?.[1];
    if (version !== undefined) return { name, version, env };
  }
  return undefined;
}

/** Ends what a killed `tidegate dev` has left running: two must not write to the same files. */
async function endEarlierOne({ path, kept }: DevDirectory): Promise<void> {
  const client = await (kept.redisPort ? openRedis(addressOf(kept.redisPort)) : undefined)?.catch(() => undefined);
  if (!client) return;
  const ended = once(client, "end");
  // Another program may listen there now, and never answer.
  const timer = setTimeout(END_WITHIN_MS, undefined, { ref: false }).then(() => client.disconnect());
  const reply = await send(client, ["CONFIG", "GET", "dir"]).catch(() => undefined);
  const dir = Array.isArray(reply) ? reply[1] : undefined;
  if (dir === (await realpath(path))) {
    send(client, ["SHUTDOWN"]).catch(() => {});
    await Promise.race([ended, timer]);
  }
  client.disconnect();
}

/** The address of a port of this machine. */
export function addressOf(port: number): URL {
  return new URL(`redis://${HOST}:${port}`);
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

async function launch({ name, version, env }: Program, port: number, directory: string): Promise<OwnRedis | undefined> {
  await rm(join(directory, LOG), { force: true });
  // In a group of its own, so that Ctrl-C in the terminal ends only this process, which then ends it in order.
  const server = spawn(name, settingsOf(port, directory), { stdio: "ignore", detached: true, env });
  const ended = new Promise((resolve) => {
    server.once("exit", resolve);
    server.once("error", resolve);
  });
  server.unref();
  endWithThisProcess(server);
  for (const start = performance.now(); performance.now() - start < START_WITHIN_MS; await setTimeout(POLL_MS)) {
    if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return undefined;
    if (await answers(server.pid, port))
      return { port, program: `${name} ${version}`, ended, stop: () => end(server, ended) };
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

/** Whether it replies. Its process id rules out another program that took the port first, and may never reply. */
async function answers(pid: number, port: number): Promise<boolean> {
  const client = await openRedis(addressOf(port)).catch(() => undefined);
  const information = client && send(client, ["INFO", "server"]).catch(() => "");
  const reply = await Promise.race([information, setTimeout(1_000, "", { ref: false })]);
  client?.disconnect();
  return String(reply).includes(`process_id:${pid}\r\n`);
}

async function end(server: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.ref();
  server.kill("SIGTERM");
  const late = setTimeout(END_WITHIN_MS, undefined, { ref: false }).then(() => server.kill("SIGKILL"));
  await Promise.race([ended, late.then(() => ended)]);
}

async function whyNot({ name }: Program, directory: string): Promise<string> {
  const log = await readFile(join(directory, LOG), "utf8").catch(() => "");
  const last = log.trim().split("\n").slice(-3).join("\n");
  return `${name} did not start with its data in ${directory}. Its log ends with:\n${last || "(nothing)"}`;
}
