/** What is used of a client of the package `redis`: node-redis 5 or newer. */
export interface NodeRedisClient {
  /** Whether it is connected, or will try to be. */
  readonly isOpen: boolean;
  /** Whether a command would be sent at once. */
  readonly isReady: boolean;
  /** Sends one command. */
  sendCommand(
    command: string[],
    options?: { readonly abortSignal?: AbortSignal; readonly typeMapping?: object },
  ): Promise<unknown>;
  /** Tells of `ready`, `reconnecting` and `end`. */
  on(event: string, listener: () => void): unknown;
}

/** What is used of a client of the package `ioredis`, 5 or newer. */
export interface IoRedisClient {
  /** "ready", "wait", "end" and others. */
  readonly status: string;
  /** Sends one command. */
  call(command: string, parameters: string[]): Promise<unknown>;
  /** Connects a client that was made with `lazyConnect`. */
  connect(): Promise<void>;
  /** Tells of `ready`, `close` and `end`. */
  on(event: string, listener: () => void): unknown;
}

/** A client of either package. */
export type RedisClient = NodeRedisClient | IoRedisClient;

/** One client, as this store needs it. */
export interface Line {
  /** Whether a command would be written at once, may be some day, or never. */
  state(): "ready" | "connecting" | "closed";
  /** Sends one command. Once `signal` is aborted nobody waits for the answer, and what has not been sent yet is not sent later. */
  send(command: readonly string[], signal: AbortSignal): Promise<unknown>;
  /** Calls `listener` whenever the connection is there (again), and whenever it is lost. */
  onChange(listener: (change: "ready" | "lost") => void): void;
}

/** Tells the two packages apart; undefined where it is a client of neither. */
export function lineOf(client: RedisClient): Line | undefined {
  const given: Partial<NodeRedisClient & IoRedisClient> = client ?? {};
  if (typeof given.call === "function" && typeof given.status === "string") return ioRedisLine(client as IoRedisClient);
  if (typeof given.sendCommand === "function" && typeof given.isReady === "boolean")
    return nodeRedisLine(client as NodeRedisClient);
  return undefined;
}

function nodeRedisLine(client: NodeRedisClient): Line {
  return {
    state() {
      if (client.isReady) return "ready";
      return client.isOpen ? "connecting" : "closed";
    },
    // No type mapping: texts come as strings.
    send: (command, abortSignal) => client.sendCommand([...command], { abortSignal, typeMapping: {} }),
    onChange(listener) {
      client.on("ready", () => listener("ready"));
      for (const event of ["reconnecting", "end"]) client.on(event, () => listener("lost"));
    },
  };
}

/** A command of ioredis, as it is kept until it is written, or written again on a new connection. */
interface IoRedisCommand {
  name: string;
  args: unknown[];
}

/** What is used of a client of ioredis beneath the methods that users call. */
interface IoRedisSender {
  readonly options: object;
  sendCommand(command: IoRedisCommand, ...rest: unknown[]): unknown;
}

/**
 * The same client, whose next command goes out as a PING once `signal` is aborted. ioredis keeps what was under way when a
 * connection breaks, and sends it on the next one, however much later that is: a call that was given up would be carried out
 * then. Deriving leaves the client itself as it was.
 */
function revocable(client: IoRedisClient, signal: AbortSignal): IoRedisClient {
  const { options, sendCommand } = client as IoRedisClient & Partial<IoRedisSender>;
  return Object.create(client, {
    // Gathered with others, a command would be sent by a client that knows nothing of the signal.
    options: { value: { ...options, enableAutoPipelining: false } },
    sendCommand: {
      value: (command: IoRedisCommand, ...rest: unknown[]) => {
        signal.addEventListener("abort", () => Object.assign(command, { name: "ping", args: [] }), { once: true });
        return sendCommand?.call(client as unknown as IoRedisSender, command, ...rest);
      },
    },
  });
}

function ioRedisLine(client: IoRedisClient): Line {
  return {
    state() {
      if (client.status === "ready") return "ready";
      if (client.status === "end") return "closed";
      // Made with `lazyConnect`, it waits to be asked. What goes wrong shows as the state that follows.
      if (client.status === "wait") client.connect().catch(() => {});
      return "connecting";
    },
    send: ([name = "", ...parameters], signal) => revocable(client, signal).call(name, parameters),
    onChange(listener) {
      client.on("ready", () => listener("ready"));
      for (const event of ["close", "end"]) client.on(event, () => listener("lost"));
    },
  };
}
