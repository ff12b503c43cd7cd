import { messageOf } from "../redis/explain.ts";

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
  /** Emits `ready`, `reconnecting` and `end`. */
  on(event: string, listener: () => void): unknown;
}

/** What is used of a cluster of the package `redis`: what its `createCluster` gives, 5 or newer. */
export interface NodeRedisCluster {
  /** Whether it is connected, or connects. */
  readonly isOpen: boolean;
  /** Whether it knows the nodes of the cluster. Missing before version 6. */
  readonly isReady?: boolean;
  /** The nodes that it knows, by address. */
  readonly nodeByAddress: unknown;
  /** Sends one command to the node that has the slot of `firstKey`. */
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    command: string[],
    options?: { readonly abortSignal?: AbortSignal; readonly timeout?: number; readonly typeMapping?: object },
  ): Promise<unknown>;
  /** Reports `connect` and `disconnect`. */
  on(event: string, listener: () => void): unknown;
}

/** What is used of a client of the package `ioredis`, 5 or newer: a `Redis`, or a `Cluster`. */
export interface IoRedisClient {
  /** "ready", "wait", "end" and others. */
  readonly status: string;
  /** True for a cluster. */
  readonly isCluster?: boolean;
  /** Sends one command. */
  call(command: string, parameters: string[]): Promise<unknown>;
  /** Connects a client that was made with `lazyConnect`. */
  connect(): Promise<void>;
  /** Emits `ready`, `close` and `end`. */
  on(event: string, listener: () => void): unknown;
}

/** A client of either package, for one server or for a cluster. */
export type RedisClient = NodeRedisClient | NodeRedisCluster | IoRedisClient;

/** How long a command waits for a connection, or for a cluster that moves slots: longer than a restart takes. */
export const CONNECTED_WITHIN_MS = 3_000;

/** A connection of a client, as this store needs it. */
export interface Line {
  /** Whether commands go to the nodes of a cluster. */
  readonly isCluster: boolean;
  /** Whether a command would be written at once, later, or never. */
  state(): "ready" | "connecting" | "closed";
  /** Sends one command. A command that has not been sent when `signal` aborts is not sent later. */
  send(command: readonly string[], signal: AbortSignal): Promise<unknown>;
  /** Calls `listener` whenever the connection is made, and whenever it is lost. */
  onChange(listener: (change: "ready" | "lost") => void): void;
}

/** Adapts a client of either package; undefined for anything else. */
export function lineOf(client: RedisClient): Line | undefined {
  const given: { readonly [Name in "call" | "status" | "sendCommand" | "isReady" | "nodeByAddress"]?: unknown } =
    client ?? {};
  if (typeof given.call === "function" && typeof given.status === "string") return ioRedisLine(client as IoRedisClient);
  if (typeof given.sendCommand === "function" && given.nodeByAddress)
    return nodeRedisClusterLine(client as NodeRedisCluster);
  if (typeof given.sendCommand === "function" && typeof given.isReady === "boolean")
    return nodeRedisLine(client as NodeRedisClient);
  return undefined;
}

function changesOf(client: Pick<RedisClient, "on">, made: string, lost: readonly string[]): Line["onChange"] {
  return (listener) => {
    client.on(made, () => listener("ready"));
    for (const event of lost) client.on(event, () => listener("lost"));
  };
}

function nodeRedisLine(client: NodeRedisClient): Line {
  return {
    isCluster: false,
    state() {
      if (client.isReady) return "ready";
      return client.isOpen ? "connecting" : "closed";
    },
    // No type mapping: texts come as strings.
    send: (command, abortSignal) => client.sendCommand([...command], { abortSignal, typeMapping: {} }),
    onChange: changesOf(client, "ready", ["reconnecting", "end"]),
  };
}

/** The cluster follows its slots. If a node is lost, written commands fail, and others wait for a connection. */
function nodeRedisClusterLine(cluster: NodeRedisCluster): Line {
  return {
    isCluster: true,
    state() {
      if (!cluster.isOpen) return "closed";
      return cluster.isReady === false ? "connecting" : "ready";
    },
    send: (command, abortSignal) =>
      cluster.sendCommand(firstKeyOf(command), false, [...command], {
        abortSignal,
        timeout: CONNECTED_WITHIN_MS,
        typeMapping: {},
      }),
    onChange: changesOf(cluster, "connect", ["disconnect"]),
  };
}

/** The key that decides which node takes a command. Scripts name their keys after the number of keys. */
function firstKeyOf([name = "", ...parameters]: readonly string[]): string | undefined {
  return name.startsWith("EVAL") ? parameters[2] : parameters[0];
}

/** A command of ioredis, which keeps it until it is written, or written again on a new connection. */
interface IoRedisCommand {
  name: string;
  args: unknown[];
  reject(error: Error): void;
}

/** What is used of a client of ioredis beneath the methods that users call. */
interface IoRedisSender {
  readonly options: object;
  sendCommand(command: IoRedisCommand, ...rest: unknown[]): unknown;
}

/**
 * The same client, whose next command goes out as a PING once `signal` is aborted. ioredis keeps the commands in flight
 * when a connection breaks, and sends them on the next one, however late: it would run a call that was given up. The
 * user's client itself does not change.
 */
function revocable(client: IoRedisClient, signal: AbortSignal): IoRedisClient {
  const { options, sendCommand } = client as IoRedisClient & Partial<IoRedisSender>;
  return Object.create(client, {
    // A pipeline would send the command through a client that does not know the signal.
    options: { value: { ...options, enableAutoPipelining: false } },
    sendCommand: {
      value: (command: IoRedisCommand, ...rest: unknown[]) => {
        const { reject } = command;
        signal.addEventListener("abort", () => Object.assign(command, { name: "ping", args: [] }), { once: true });
        const sent = sendCommand?.call(client as unknown as IoRedisSender, command, ...rest);
        passOnLosses(command, reject);
        return sent;
      },
    },
  });
}

/**
 * Fails a command as soon as its connection is lost. A `Cluster` would send it again, and the script would not know
 * that it may have run before. A command that a node refused did not run: the cluster may send it elsewhere.
 */
function passOnLosses(command: IoRedisCommand, fail: IoRedisCommand["reject"]): void {
  const { reject: follow } = command;
  if (follow === fail) return;
  // The errors of Redis itself begin in capitals, those of a client do not.
  command.reject = (error) => (/^[A-Z]{2,}/.test(messageOf(error)) ? follow : fail).call(command, error);
}

function ioRedisLine(client: IoRedisClient): Line {
  return {
    isCluster: client.isCluster === true,
    state() {
      if (client.status === "ready") return "ready";
      if (client.status === "end") return "closed";
      // A client with `lazyConnect` waits for this call. A failure shows in the next state.
      if (client.status === "wait") client.connect().catch(() => {});
      return "connecting";
    },
    send: ([name = "", ...parameters], signal) => revocable(client, signal).call(name, parameters),
    onChange: changesOf(client, "ready", ["close", "end"]),
  };
}
