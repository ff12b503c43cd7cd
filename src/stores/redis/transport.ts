import { TidegateError } from "../../core/errors.ts";
import type { Transport } from "../upstash/connection.ts";
import type { Line } from "./clients.ts";

/** How long a command waits for a client that is connecting: a restart of Redis is bridged, an outage is told. */
const CONNECTED_WITHIN_MS = 3_000;

/**
 * Sends commands through a client of the user's.
 *
 * A command is handed to the client only while it is connected, never to its offline queue: sent when the connection comes
 * back, a command that was given up long ago would lease jobs to nobody. And where the connection is lost under a command, it
 * counts as lost at once, though ioredis will send it again by itself: the resend that follows tells the script that an
 * earlier send may have arrived, and comes after all of those.
 */
export function transportOf(line: Line, connectedWithinMs = CONNECTED_WITHIN_MS): Transport {
  const waiting = new Set<() => void>();
  const underWay = new Set<() => void>();
  line.onChange((change) => {
    for (const tell of [...waiting, ...(change === "lost" ? underWay : [])]) tell();
  });

  async function connected(): Promise<void> {
    if (line.state() === "ready") return;
    const end = AbortSignal.timeout(connectedWithinMs);
    for (let state = line.state(); state !== "ready"; state = line.state()) {
      if (state === "closed") throw unavailable("The Redis client is closed. Connect it before a queue uses it.");
      if (end.aborted) throw unavailable("The Redis client has no connection. Check its address, and that Redis runs.");
      await heard(waiting, end);
    }
  }

  async function send(command: readonly string[], signal: AbortSignal): Promise<unknown> {
    await connected();
    const done = new AbortController();
    const lost = heard(underWay, AbortSignal.any([signal, done.signal])).then(() => {
      throw unavailable(
        signal.aborted
          ? "Redis did not answer in time. Check the network, and that no slow command blocks it."
          : "The connection to Redis was lost while it was asked.",
      );
    });
    try {
      return inPairs(await Promise.race([line.send(command, signal), lost]));
    } catch (error) {
      throw explained(error);
    } finally {
      done.abort();
    }
  }

  return {
    lockingAddress: undefined,
    send,
    // Sent in one turn, they travel together.
    sendMany: (commands, signal) => Promise.all(commands.map((command) => send(command, signal))),
  };
}

/** Resolves when the listeners are told, or `signal` is aborted. */
function heard(listeners: Set<() => void>, signal: AbortSignal): Promise<void> {
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

// RESP3 gives members with their scores as pairs, RESP2 one after the other.
function inPairs(answer: unknown): unknown {
  return Array.isArray(answer) && Array.isArray(answer[0]) ? answer.flat() : answer;
}

const reasons: readonly (readonly [RegExp, string])[] = [
  [/^(WRONGPASS|NOAUTH|NOPERM)/, "Redis refused the client's user or password, or the user may not run scripts."],
  [/^READONLY/, "Redis answered as a read-only replica. Connect the client to the primary."],
  [
    /^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)/,
    "This Redis is part of a cluster, or has none of its slots. Use a client that follows the slots of a cluster.",
  ],
];

/** Says what to do where the connection's own words, made for Upstash, would not fit. */
function explained(error: unknown): unknown {
  const message = error instanceof Error ? error.message : "";
  const reason = reasons.find(([pattern]) => pattern.test(message))?.[1];
  return reason === undefined ? error : unavailable(reason);
}

function unavailable(message: string): TidegateError {
  return new TidegateError("store_unavailable", message);
}
