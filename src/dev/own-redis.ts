import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { DevDirectory } from "./directory.ts";
import { openRedis, send } from "./redis-link.ts";
import { StartError } from "./start.ts";

export interface OwnRedis {
  /** Its socket, as the URL of a file. */
  readonly url: URL;
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

/**
 * It listens on a socket that only this user can open. It ends with this process, even if that is killed, and loses
 * nothing: each command is in its log before it is answered.
 */
export async function startOwnRedis(directory: DevDirectory, path = ""): Promise<OwnRedis> {
  const program = await findProgram(path);
  if (program === undefined) throw new StartError(HOW_TO_GET_ONE);
  const { path: data, kept } = directory;
  if (kept.redisSocket !== undefined) await endEarlierOne(kept.redisSocket);
  // Not in the directory: a path may be too long for a socket, and a mounted file system may have none.
  const socket = join(tmpdir(), `tidegate-${randomBytes(8).toString("hex")}.sock`);
  await directory.keep({ redisSocket: socket });
  const server = await launch(program, socket, data);
  if (!server) throw new StartError(await whyNot(program, data));
  return server;
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
async function endEarlierOne(socket: string): Promise<void> {
  const client = await openRedis(pathToFileURL(socket)).catch(() => undefined);
  if (!client) return;
  const ended = new Promise((resolve) => client.once("end", resolve));
  send(client, ["SHUTDOWN"]).catch(() => {});
  await Promise.race([ended, setTimeout(END_WITHIN_MS, undefined, { ref: false })]);
  client.disconnect();
}

async function launch(
  { name, version, env }: Program,
  socket: string,
  directory: string,
): Promise<OwnRedis | undefined> {
  await rm(join(directory, LOG), { force: true });
  // In a group of its own, so that Ctrl-C in the terminal ends only this process, which then ends it in order.
  const server = spawn(name, settingsOf(socket, directory), { stdio: "ignore", detached: true, env });
  const ended = new Promise((resolve) => {
    server.once("exit", resolve);
    server.once("error", resolve);
  });
  server.unref();
  endWithThisProcess(server);
  const url = pathToFileURL(socket);
  for (const start = performance.now(); performance.now() - start < START_WITHIN_MS; await setTimeout(POLL_MS)) {
    if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return undefined;
    const client = await openRedis(url).catch(() => undefined);
    client?.disconnect();
    if (client) return { url, program: `${name} ${version}`, ended, stop: () => end(server, ended) };
  }
  await end(server, ended);
  return undefined;
}

const LOG = "redis.log";

function settingsOf(socket: string, directory: string): string[] {
  const settings = {
    port: "0",
    unixsocket: socket,
    unixsocketperm: "700",
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
