import { invalidRequest, TidegateError } from "../../core/shared/errors.ts";
import type { Transport } from "../redis/connection.ts";
import type { ConnectionWords } from "../redis/explain.ts";

/** Posts to Upstash's REST interface, once: a script must know that it is a resend. Returns the reply as it came. */
type Post = (path: readonly string[], body: readonly unknown[], signal: AbortSignal) => Promise<unknown>;

/** What is used of a client of `@upstash/redis`: 1.35.1 or newer, from any of its entry points. */
export interface UpstashClient {
  /** Only these clients have it. It is not called. */
  createScript(script: string): unknown;
}

const words: ConnectionWords = {
  access: "Redis refused the token. Check UPSTASH_REDIS_REST_TOKEN: a read-only token cannot be used.",
  lost: "Redis did not reply as it should. Check UPSTASH_REDIS_REST_URL, and that the database is there.",
};

/** The way to a database by its address and token. */
export function transportTo(url: string, token: string): Transport {
  const address = url.replace(/\/$/, "");
  // Sent back with the next request, so that a replica replies with what has been written.
  let syncToken = "";
  return transportBy(address, async (path, body, signal) => {
    const headers = {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      "Upstash-Sync-Token": syncToken,
    };
    const init = { method: "POST", headers, body: JSON.stringify(body), signal, redirect: "manual" } as const;
    const response = await fetch([address, ...path].join("/"), init);
    const reply: unknown = await response.json().catch(() => null);
    if (!response.ok && !Object(reply).error)
      throw new TidegateError("store_unavailable", `${words.lost} The response has status ${response.status}.`);
    syncToken = response.headers.get("Upstash-Sync-Token") ?? "";
    return reply;
  });
}

/** The way that a user's client has. The client itself does not change; its own resends are left out. */
export function transportOf(client: UpstashClient): Transport {
  const { client: requester } = Object(client) as { readonly client?: Requester };
  if (!requester || typeof requester !== "object")
    throw invalidRequest(
      "redis must be a client of @upstash/redis: for one of `redis` or `ioredis` there is redisStore.",
    );
  const once: Requester = Object.create(requester, { retry: { value: { attempts: 0, backoff: () => 0 } } });
  // A function, so that an abort throws: with a signal object, the call would resolve with null.
  return transportBy(requester.baseUrl ?? "", (path, body, signal) =>
    once.request({ path: [...path], body, signal: () => signal }),
  );
}

/** How a client of `@upstash/redis` sends: it has no public way to send once. */
interface Requester {
  readonly baseUrl?: string;
  request(request: { path: string[]; body: readonly unknown[]; signal: () => AbortSignal }): Promise<unknown>;
}

function transportBy(lockingAddress: string, post: Post): Transport {
  return {
    words,
    lockingAddress,
    async send(command, signal) {
      const reply = replyOf(await post([], command, signal));
      if (reply instanceof Error) throw reply;
      return reply;
    },
    async sendMany(commands, signal) {
      const replies = await post(["pipeline"], commands, signal);
      return commands.map((_, index) => replyOf(Object(replies)[index] ?? replies));
    },
  };
}

/** The reply in a response. @throws if Redis sent none: a proxy answers in its own way. */
function replyOf(response: unknown): unknown {
  const { result, error } = Object(response) as { readonly result?: unknown; readonly error?: string };
  if (error) return new Error(error);
  if (result === undefined) throw new Error("no reply");
  return result;
}
