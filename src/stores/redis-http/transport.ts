import type { Redis as AnyRedis } from "@upstash/redis";
import type { Requester } from "@upstash/redis/cloudflare";
import { invalidRequest } from "../../core/shared/errors.ts";
import type { Transport } from "../redis/connection.ts";
import type { ConnectionWords } from "../redis/explain.ts";

/**
 * The part of a client that sends requests and returns raw replies, without the client's own resends: a resent script
 * must know that it is one. The user's client itself does not change.
 */
export function requesterOf(redis: Pick<AnyRedis, never>): Requester {
  const requester: unknown = (redis as AnyRedis | null)?.["client"];
  if (typeof requester !== "object" || requester === null)
    throw invalidRequest(
      "redis must be a client of @upstash/redis: for one of `redis` or `ioredis` there is redisStore.",
    );
  return Object.create(requester, { retry: { value: { attempts: 0, backoff: () => 0 } } }) as Requester;
}

const words: ConnectionWords = {
  access: "Redis refused the token. Check UPSTASH_REDIS_REST_TOKEN: a read-only token cannot be used.",
  lost: "Redis did not reply as it should. Check UPSTASH_REDIS_REST_URL, and that the database is there.",
};

export function transportOf(requester: Requester): Transport {
  // A function, so that an abort throws: with a signal object, the call would resolve with null.
  const signalled = (signal: AbortSignal) => (() => signal) as unknown as AbortSignal;
  return {
    words,
    lockingAddress: (requester as { readonly baseUrl?: string }).baseUrl ?? "",
    async send(command, signal) {
      const { result, error } = await requester.request<unknown>({ body: [...command], signal: signalled(signal) });
      if (error) throw new Error(error);
      return result;
    },
    async sendMany(commands, signal) {
      const body = commands.map((command) => [...command]);
      const replies = await requester.request({ path: ["pipeline"], body, signal: signalled(signal) });
      return (replies as unknown as readonly { result?: unknown; error?: string }[]).map(({ result, error }) =>
        error ? new Error(error) : result,
      );
    },
  };
}
