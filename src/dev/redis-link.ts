import { isIP } from "node:net";
import { fileURLToPath } from "node:url";
// The default export: the tests in workerd lose the names of a CommonJS module.
import Redis from "ioredis";
import type { NodeRedisClient } from "../stores/redis-tcp/clients.ts";
import { USUAL_PORT } from "./redis-address.ts";

export type Command = readonly (string | number | boolean | Buffer)[];

/**
 * A reply of Redis: a status or bulk string, an integer, null, an error, or a list of those. An error is a value and
 * not thrown, so that one failed command of a pipeline does not affect others.
 */
export type Reply = string | number | null | Error | Reply[];

const CONNECTED_WITHIN_MS = 5_000;

/** The connection is not made again when it is lost. @param url `redis:`, `rediss:` or the `file:` of a socket. */
export async function openRedis(url: URL): Promise<Redis> {
  const client = new Redis({
    ...optionsOf(url),
    // As Upstash's REST API replies.
    protocol: 2,
    connectTimeout: CONNECTED_WITHIN_MS,
    retryStrategy: null,
    ...{ lazyConnect: true, enableReadyCheck: false, disableClientInfo: true },
  });
  let reason: unknown;
  client.on("error", (error) => {
    reason ??= error;
  });
  await client.connect().catch((error: unknown) => {
    throw reason ?? error;
  });
  return client;
}

function optionsOf(url: URL) {
  const { protocol, hostname, port, username, password, pathname } = url;
  if (protocol === "file:") return { path: fileURLToPath(url) };
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    ...{ host, port: Number(port || USUAL_PORT), db: Number(pathname.slice(1)) },
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
    ...(protocol === "rediss:" && { tls: isIP(host) ? {} : { servername: host } }),
  };
}

/** `"base64"` keeps each byte of a reply. Rejects if the connection ends first: the command may have run. */
export async function send(
  client: Redis,
  [name, ...given]: Command,
  encoding: BufferEncoding = "utf8",
): Promise<Reply> {
  const parameters = given.map((each) => (Buffer.isBuffer(each) ? each : String(each)));
  // The client makes objects of the replies to names in lower case.
  const command = new Redis.Command(String(name).toUpperCase(), parameters, { replyEncoding: encoding });
  try {
    return (await client.sendCommand(command)) as Reply;
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError") return error;
    throw error;
  }
}

/**
 * The one connection to a Redis that all share, so that their commands are pipelined. It is opened by the first
 * command, and again by the first one after it was lost. It is also a client that `redisStore` takes.
 */
export class RedisLink implements NodeRedisClient {
  readonly #url: URL;
  #connection: Promise<Redis> | undefined;
  isOpen = true;

  constructor(url: URL) {
    this.#url = url;
  }

  /** Sends a command on a connection of its own, past those that wait for a reply on the shared one. */
  async sendAside(command: Command): Promise<Reply> {
    const client = await openRedis(this.#url);
    return send(client, command).finally(() => client.disconnect());
  }

  /** The current connection. What is sent on it in one turn has no command of others in between. */
  client(): Promise<Redis> {
    this.#connection ??= this.#connect();
    return this.#connection;
  }

  async close(): Promise<void> {
    this.isOpen = false;
    (await this.#connection?.catch(() => undefined))?.disconnect();
  }

  /** A command that finds no connection opens one. */
  get isReady(): boolean {
    return this.isOpen;
  }

  async sendCommand(command: string[], { abortSignal }: { readonly abortSignal?: AbortSignal } = {}): Promise<unknown> {
    const client = await this.client();
    // Nobody waits for it any more, so it must not run now.
    abortSignal?.throwIfAborted();
    const reply = await send(client, command);
    if (reply instanceof Error) throw reply;
    return reply;
  }

  /** What is under way fails by itself when the connection is lost, so there is nothing to report. */
  on(): this {
    return this;
  }

  #connect(): Promise<Redis> {
    const connection = openRedis(this.#url);
    const forget = () => {
      this.#connection = undefined;
    };
    connection.then((client) => client.once("end", forget), forget);
    return connection;
  }
}
