import { TidegateError } from "../../core/shared/errors.ts";
import type { Transport } from "../redis/connection.ts";
import { type ConnectionWords, messageOf } from "../redis/explain.ts";
import { CONNECTED_WITHIN_MS, type Line } from "./clients.ts";

/** How a cluster refuses commands for a while: a slot moves to another node, or a failover is under way. */
const NOT_NOW = /\b(TRYAGAIN|CLUSTERDOWN)\b/;
const SENT_AGAIN_MS = 100;

const words: ConnectionWords = {
  access: "Redis refused the client's user or password, or the user may not run scripts.",
  lost: "Redis did not reply as it should. Check that it runs, and that the client can reach it.",
  replies: [
    [NOT_NOW, "The Redis cluster has no node for this queue: a slot is moving, or a failover is under way."],
    [
      /^(MOVED|ASK|CROSSSLOT)/,
      "This Redis is part of a cluster. Give redisStore a client that follows its slots: createCluster of redis, or Cluster of ioredis.",
    ],
  ],
};

/**
 * Sends commands through the user's client.
 *
 * The client gets a command only while it is connected, never in its offline queue: a command that was given up long
 * ago would lease jobs to nobody when the connection comes back. If the connection is lost during a command, the reply
 * counts as lost at once, and the client may not send the command again: our own resend tells the script that an
 * earlier send may have arrived.
 */
export class ClientTransport implements Transport {
  readonly lockingAddress = undefined;
  readonly words = words;
  readonly keepsConnection = true;
  readonly #line: Line;
  readonly #connectedWithinMs: number;
  readonly #waiting = new Set<() => void>();
  readonly #underWay = new Set<() => void>();

  constructor(line: Line, connectedWithinMs = CONNECTED_WITHIN_MS) {
    this.#line = line;
    this.#connectedWithinMs = connectedWithinMs;
    line.onChange((change) => {
      for (const tell of [...this.#waiting, ...(change === "lost" ? this.#underWay : [])]) tell();
    });
  }

  async send(command: readonly string[], signal: AbortSignal): Promise<unknown> {
    return asUsual(await this.#untilTaken(command, signal), command);
  }

  /** Sends a command until the cluster takes it. A refused command did not run, so this is not a resend. */
  async #untilTaken(command: readonly string[], signal: AbortSignal): Promise<unknown> {
    let end: AbortSignal | undefined;
    for (;;) {
      try {
        return await this.#replyTo(command, signal);
      } catch (error) {
        end ??= AbortSignal.any([signal, AbortSignal.timeout(this.#connectedWithinMs)]);
        if (!this.#line.isCluster || !NOT_NOW.test(messageOf(error)) || end.aborted) throw error;
        await heard(new Set(), AbortSignal.any([end, AbortSignal.timeout(SENT_AGAIN_MS)]));
      }
    }
  }

  /** The client sends all commands of one turn together. */
  async sendMany(commands: readonly (readonly string[])[], signal: AbortSignal): Promise<readonly unknown[]> {
    return Promise.all(commands.map((command) => this.send(command, signal).catch((error: unknown) => error)));
  }

  async #replyTo(command: readonly string[], signal: AbortSignal): Promise<unknown> {
    await this.#connected(signal);
    const done = new AbortController();
    const over = AbortSignal.any([signal, done.signal]);
    const lost = heard(this.#underWay, over).then(() => {
      throw unavailable(
        signal.aborted
          ? "Redis did not reply in time. Check the network, and that no slow command blocks it."
          : "The connection to Redis was lost while it was asked.",
      );
    });
    try {
      return await Promise.race([this.#line.send(command, over), lost]);
    } finally {
      done.abort();
    }
  }

  async #connected(signal: AbortSignal): Promise<void> {
    if (this.#line.state() === "ready") return;
    const end = AbortSignal.any([signal, AbortSignal.timeout(this.#connectedWithinMs)]);
    for (let state = this.#line.state(); state !== "ready"; state = this.#line.state()) {
      if (state === "closed") throw unavailable("The Redis client is closed. Connect it before a queue uses it.");
      if (end.aborted) throw unavailable("The Redis client has no connection. Check its address, and that Redis runs.");
      await heard(this.#waiting, end);
    }
  }
}

/** Resolves when the listeners are called, or when `signal` aborts. */
function heard(listeners: Set<() => void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const hear = () => {
      listeners.delete(hear);
      signal.removeEventListener("abort", hear);
      resolve();
    };
    listeners.add(hear);
    signal.addEventListener("abort", hear);
  });
}

/** Turns a reply into RESP2, whatever protocol and types the client is configured for. */
function asUsual(reply: unknown, [name = ""]: readonly string[]): unknown {
  if (!Array.isArray(reply)) return reply;
  const [first, ...rest] = reply;
  // RESP3 gives members with their scores as pairs.
  if (Array.isArray(first)) return reply.flat();
  // With `stringNumbers`, ioredis gives what a script counted as digits.
  return name.startsWith("EVAL") ? [Number(first), ...rest] : reply;
}

function unavailable(message: string): TidegateError {
  return new TidegateError("store_unavailable", message);
}
