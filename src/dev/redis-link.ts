import type { NodeRedisClient } from "../stores/redis-tcp/clients.ts";
import type { RedisAddress } from "./redis-address.ts";
import { type Command, type Reply, RespClient, RespError } from "./resp.ts";

/**
 * The one connection to a Redis that all share, so that their commands are pipelined. It is opened by the first
 * command, and again by the first one after it was lost. It is also a client that `redisStore` takes.
 */
export class RedisLink implements NodeRedisClient {
  readonly #address: RedisAddress;
  #connection: Promise<RespClient> | undefined;
  #isClosed = false;

  constructor(address: RedisAddress) {
    this.#address = address;
  }

  /**
   * Sends a command. An error of Redis is a reply. Rejects if there is no connection, or it ends first: then the
   * command may or may not have run.
   */
  async send(command: Command, encoding?: BufferEncoding): Promise<Reply> {
    return (await this.client()).send(command, encoding);
  }

  /** Sends a command on a connection of its own, past those that wait for a reply on the shared one. */
  async sendAside(command: Command): Promise<Reply> {
    const client = await this.#open();
    try {
      return await client.send(command);
    } finally {
      client.close();
    }
  }

  /** The current connection. Commands sent on it in one turn go out in one write. */
  client(): Promise<RespClient> {
    this.#connection ??= this.#connect();
    return this.#connection;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const client = await this.#connection?.catch(() => undefined);
    client?.close();
    await client?.closed;
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** A command that finds no connection opens one. */
  get isReady(): boolean {
    return !this.#isClosed;
  }

  async sendCommand(command: string[], { abortSignal }: { readonly abortSignal?: AbortSignal } = {}): Promise<unknown> {
    const client = await this.client();
    // Nobody waits for it any more, so it must not run now.
    abortSignal?.throwIfAborted();
    const reply = await client.send(command);
    if (reply instanceof RespError) throw new Error(reply.message);
    return reply;
  }

  /** What is under way fails by itself when the connection is lost, so there is nothing to report. */
  on(): this {
    return this;
  }

  #connect(): Promise<RespClient> {
    const connection = this.#open();
    const forget = () => {
      this.#connection = undefined;
    };
    connection.then((client) => client.closed).then(forget, forget);
    return connection;
  }

  async #open(): Promise<RespClient> {
    const { username, password, database } = this.#address;
    const client = await RespClient.connect(this.#address);
    const greetings: Command[] = [
      ...(password === undefined ? [] : [["AUTH", ...(username === undefined ? [] : [username]), password]]),
      ...(database === undefined ? [] : [["SELECT", database]]),
    ];
    for (const greeting of greetings) {
      const reply = await client.send(greeting);
      if (!(reply instanceof RespError)) continue;
      client.close();
      throw new Error(reply.message);
    }
    return client;
  }
}
