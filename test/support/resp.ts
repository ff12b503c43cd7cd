import { type Command, openRedis, type Reply, send } from "../../src/dev/redis-link.ts";

export type { Reply };

type Connection = Awaited<ReturnType<typeof openRedis>>;

/** One connection to a Redis on this machine. Commands sent before the first reply arrives are pipelined. */
export class RespClient {
  /** Settles when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #connection: Connection;

  static async connect(port: number): Promise<RespClient> {
    return new RespClient(await openRedis(new URL(`redis://127.0.0.1:${port}`)));
  }

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.closed = new Promise((resolve) => connection.once("end", () => resolve()));
  }

  /** Sends a command. An error of Redis is a value, so that one command of a pipeline does not affect others. */
  send(command: Command): Promise<Reply> {
    return send(this.#connection, command);
  }

  close(): void {
    this.#connection.disconnect();
  }
}
