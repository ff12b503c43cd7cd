import { once } from "node:events";
import { createConnection, isIP, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import type { RedisAddress } from "./redis-address.ts";
import { HOST } from "./start.ts";

/**
 * An error reply of Redis. It is a value and not thrown, so that one failed command of a pipeline does not affect
 * others.
 */
export class RespError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** A reply of Redis: a status or bulk string, an integer, null, an error, or a list of those. */
export type Reply = string | number | null | RespError | Reply[];

interface Waiting {
  readonly encoding: BufferEncoding;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** A command: its name and its arguments. */
export type Command = readonly (string | number | boolean | Buffer)[];

/** How long a Redis may take to accept a connection. */
const CONNECTED_WITHIN_MS = 5_000;

/** One RESP2 connection to Redis. Commands sent before the first reply arrives are pipelined. */
export class RespClient {
  /** Settles when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  readonly #parser = new ReplyParser(
    () => this.#waiting[0]?.encoding ?? "utf8",
    (reply) => this.#waiting.shift()?.resolve(reply),
  );
  #outgoing = "";

  /** Connects to an address, or to a port of 127.0.0.1. Rejects if nothing accepts the connection within 5 seconds. */
  static async connect(where: RedisAddress | number): Promise<RespClient> {
    const { host, port, secure = false } = typeof where === "number" ? { host: HOST, port: where } : where;
    const socket = secure
      ? connectSecurely({ host, port, servername: isIP(host) ? "" : host })
      : createConnection({ host, port });
    try {
      const signal = AbortSignal.timeout(CONNECTED_WITHIN_MS);
      await once(socket, secure ? "secureConnect" : "connect", { signal });
    } catch (error) {
      socket.destroy();
      throw error;
    }
    socket.setNoDelay(true);
    return new RespClient(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#parser.push(chunk));
    // A close follows each error, and settles the waiting commands.
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        for (const { reject } of this.#waiting.splice(0)) reject(new Error("The connection to Redis was lost."));
        resolve();
      });
    });
  }

  /**
   * Sends a command. The strings of its reply are decoded with `encoding`; `"base64"` keeps each byte.
   *
   * Rejects if the connection ends first: the command may or may not have run.
   */
  send(command: Command, encoding: BufferEncoding = "utf8"): Promise<Reply> {
    if (this.#socket.destroyed) return Promise.reject(new Error("The connection to Redis is closed."));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ encoding, resolve, reject });
      // Commands of one turn of the event loop share one write.
      if (this.#outgoing === "") setImmediate(() => this.#flush());
      this.#encode(command);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #encode(command: Command): void {
    this.#outgoing += `*${command.length}\r\n`;
    for (const part of command) {
      const text = Buffer.isBuffer(part) ? "" : String(part);
      this.#outgoing += `$${Buffer.byteLength(Buffer.isBuffer(part) ? part : text)}\r\n${text}`;
      if (Buffer.isBuffer(part)) {
        this.#flush();
        this.#socket.write(part);
      }
      this.#outgoing += "\r\n";
    }
  }

  #flush(): void {
    this.#socket.write(this.#outgoing);
    this.#outgoing = "";
  }
}

const LINE_FEED = 10;

/** Reads replies from chunks that may end anywhere. Each byte is read once, however long a reply is. */
class ReplyParser {
  readonly #encoding: () => BufferEncoding;
  readonly #emit: (reply: Reply) => void;
  readonly #openLists: { readonly items: Reply[]; readonly length: number }[] = [];
  #chunks: Buffer[] = [];
  #size = 0;
  #needed = 0;
  #buffer: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(encoding: () => BufferEncoding, emit: (reply: Reply) => void) {
    this.#encoding = encoding;
    this.#emit = emit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#needed) return;
    this.#buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    this.#position = 0;
    this.#needed = 0;
    while (this.#readItem()) {}
    const rest = this.#buffer.subarray(this.#position);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
  }

  #readItem(): boolean {
    const lineFeed = this.#buffer.indexOf(LINE_FEED, this.#position);
    if (lineFeed < 0) return false;
    const type = String.fromCharCode(this.#buffer[this.#position] ?? 0);
    if (type === "$") return this.#readBulkString(lineFeed + 1);
    const line = this.#buffer.toString("utf8", this.#position + 1, lineFeed - 1);
    this.#position = lineFeed + 1;
    if (type === "*") this.#openList(Number(line));
    else if (type === ":") this.#place(Number(line));
    else if (type === "-") this.#place(new RespError(line));
    else this.#place(Buffer.from(line).toString(this.#encoding()));
    return true;
  }

  #readBulkString(start: number): boolean {
    const length = Number(this.#buffer.toString("latin1", this.#position + 1, start - 2));
    const end = length < 0 ? start : start + length + 2;
    if (end > this.#buffer.length) {
      this.#needed = end - this.#position;
      return false;
    }
    this.#position = end;
    this.#place(length < 0 ? null : this.#buffer.toString(this.#encoding(), start, start + length));
    return true;
  }

  #openList(length: number): void {
    if (length > 0) this.#openLists.push({ items: [], length });
    else this.#place(length < 0 ? null : []);
  }

  #place(value: Reply): void {
    let reply = value;
    for (let list = this.#openLists.at(-1); list; list = this.#openLists.at(-1)) {
      list.items.push(reply);
      if (list.items.length < list.length) return;
      this.#openLists.pop();
      reply = list.items;
    }
    this.#emit(reply);
  }
}
