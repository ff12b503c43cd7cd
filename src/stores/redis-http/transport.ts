import type { Redis } from "@upstash/redis";
import { invalidRequest } from "../../core/shared/errors.ts";
import type { Transport } from "../redis/connection.ts";
import type { ConnectionWords } from "../redis/explain.ts";

/** Posts to Upstash's REST interface, once: a script must know that it is a resend. Returns the reply as it came. */
type Post = (path: readonly string[], body: readonly unknown[], signal: AbortSignal) => Promise<unknown>;

interface Reply {
  readonly result?: unknown;
  readonly error?: string;
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
    const request = { method: "POST", headers, body: JSON.stringify(body), signal };
    const response = await fetch([address, ...path].join("/"), request);
    const reply: unknown = await response.json();
    if (!response.ok) throw new Error((reply as Reply).error);
    syncToken = response.headers.get("Upstash-Sync-Token") ?? "";
    return reply;
  });
}

/** The way that a user's client has. The client itself does not change, its own resends are left out. */
export function transportOf(redis: Pick<Redis, never>): Transport {
  const requester: unknown = (redis as Redis | null)?.["client"];
  if (typeof requester !== "object" || requester === null)
    throw invalidRequest(
      "redis must be a client of @upstash/redis: for one of `redis` or `ioredis` there is redisStore.",
    );
  const once = Object.create(requester, { retry: { value: { attempts: 0, backoff: () => 0 } } }) as Redis["client"];
  // A function, so that an abort throws: with a signal object, the call would resolve with null.
  const signalled = (signal: AbortSignal) => (() => signal) as unknown as AbortSignal;
  return transportBy((requester as { readonly baseUrl?: string }).baseUrl ?? "", (path, body, signal) =>
    once.request({ path: [...path], body, signal: signalled(signal) }),
  );
}

function transportBy(lockingAddress: string, post: Post): Transport {
  return {
    words,
    lockingAddress,
    async send(command, signal) {
      const { result, error } = (await post([], command, signal)) as Reply;
      if (error) throw new Error(error);
      return result;
    },
    async sendMany(commands, signal) {
      const replies = await post(["pipeline"], commands, signal);
      return (replies as readonly Reply[]).map(({ result, error }) => (error ? new Error(error) : result));
    },
  };
}
