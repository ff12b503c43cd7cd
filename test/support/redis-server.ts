import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ensureRedis } from "../../scripts/ensure-redis.ts";
import { type OtherServer, pathOf } from "../../scripts/other-servers.ts";
import { freePort } from "../../scripts/shared/free-port.ts";
import { RespClient } from "./resp.ts";

const START_TIMEOUT_MS = 10_000;
const POLL_MS = 5;
const START_ATTEMPTS = 5;

export interface RedisServer {
  readonly port: number;
  /** Stops the server and deletes its data. */
  stop(): Promise<void>;
  /** Kills the server, as a crash does. `restart` starts it again. */
  kill(): Promise<void>;
  /**
   * Crashes the server if it runs, and starts it on the same port. It restarts empty unless it was started with
   * `persist`.
   */
  restart(): Promise<void>;
}

export interface RedisServerOptions {
  /** A server other than redis-server 8. */
  readonly server?: OtherServer | undefined;
  /** Writes each command to disk before Redis answers it, so that data outlives a crash. Default: false. */
  readonly persist?: boolean;
  /** More settings, as its configuration file names them. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Starts a dedicated Redis for a test: on a free port of 127.0.0.1, in a new directory, stopped with this process.
 *
 * @throws {Error} if redis-server is missing and cannot be installed, or does not start.
 */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const program = options.server ? pathOf(options.server) : "redis-server";
  if (program === undefined)
    throw new Error(`${options.server?.name} is missing: run node scripts/run.mjs other-servers.`);
  if (!options.server) ensureRedis();
  const directory = await mkdtemp(join(tmpdir(), "tidegate-redis-"));
  const clear = () => rm(directory, { recursive: true, force: true });
  const launch = (port: number) => launchServer(program, port, directory, options);
  const { port, server } = await onFreePort(launch).catch(async (error) => {
    await clear();
    throw error;
  });
  let current = server;
  const kill = () => endServer(current);
  return {
    port,
    kill,
    async restart() {
      await kill();
      current = await launch(port);
    },
    async stop() {
      await kill();
      await clear();
    },
  };
}

/** Another process can take a free port before Redis does, so a failed start is retried on another one. */
async function onFreePort(launch: (port: number) => Promise<ChildProcess>) {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    try {
      return { port, server: await launch(port) };
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function launchServer(
  program: string,
  port: number,
  directory: string,
  options: RedisServerOptions,
): Promise<ChildProcess> {
  const server = spawn(program, serverArguments(port, directory, options), { stdio: "ignore" });
  const exited = once(server, "exit");
  server.unref();
  endWithThisProcess(server, directory);
  for (const start = performance.now(); performance.now() - start < START_TIMEOUT_MS; await setTimeout(POLL_MS)) {
    if (server.exitCode !== null) break;
    if (await isReady(server, exited, port)) return server;
  }
  await endServer(server);
  const log = await readFile(join(directory, "redis.log"), "utf8").catch(() => "");
  throw new Error(`${program} did not start on port ${port}.\n${log.slice(-2_000)}`);
}

function serverArguments(port: number, directory: string, { persist = false, settings }: RedisServerOptions): string[] {
  const all = {
    port: String(port),
    bind: "127.0.0.1",
    dir: directory,
    logfile: "redis.log",
    loglevel: "warning",
    save: "",
    appendonly: persist ? "yes" : "no",
    appendfsync: "always",
    ...settings,
  };
  return Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
}

/**
 * Stops the server and deletes its data however this process ends, even by SIGKILL: the guard's standard input closes
 * with it.
 */
function endWithThisProcess(server: ChildProcess, directory: string): void {
  const guard = spawn("sh", ["-c", 'read _; kill -9 "$0"; rm -rf "$1"', String(server.pid), directory], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.unref();
  server.once("exit", () => guard.kill("SIGKILL"));
}

/** The process id distinguishes our server from another one that took the port first. */
async function isReady(server: ChildProcess, exited: Promise<unknown>, port: number): Promise<boolean> {
  const client = await RespClient.connect(port).catch(() => undefined);
  if (!client) return false;
  // Another process on the port may never answer.
  exited.then(() => client.close());
  const replies = Promise.all([client.send(["PING"]), client.send(["INFO", "server"])]);
  const [pong, information] = await replies.catch(() => [null, null]);
  client.close();
  return pong === "PONG" && String(information).includes(`process_id:${server.pid}\r\n`);
}

async function endServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  // Without this, a script that only waits for the server to stop would exit first.
  server.ref();
  server.kill("SIGKILL");
  await exited;
}
