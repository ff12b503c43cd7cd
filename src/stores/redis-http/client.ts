import { invalidRequest } from "../../core/shared/errors.ts";
import type { Rest } from "./rest.ts";

/** A client of the package `@upstash/redis`, by what no client of another package has. */
export interface UpstashClient {
  /** Runs a script by its hash. */
  evalsha(hash: string, keys: string[], args: unknown[]): Promise<unknown>;
  /** Makes a script that the client can run. */
  createScript(script: string): unknown;
}

/** The part of such a client that sends requests and gives raw answers. */
interface Requester {
  readonly baseUrl?: string;
  request(request: {
    readonly path: readonly string[];
    readonly body: unknown;
    /** As a function, for then an abort throws; given as an object, it would make the call resolve with null. */
    readonly signal: () => AbortSignal;
  }): Promise<unknown>;
}

/**
 * The REST API as a client of `@upstash/redis` reaches it, with the client's own resends turned off: a script sent again must know that
 * it is, so resending is done here. Deriving leaves the client itself as it was.
 */
export function restOf(redis: unknown): Rest {
  const client: unknown = (redis as { readonly client?: unknown } | null)?.client;
  if (typeof client !== "object" || client === null)
    throw invalidRequest(
      "redis must be a client of @upstash/redis: for one of `redis` or `ioredis` there is redisStore.",
    );
  const requester: Requester = Object.create(client, { retry: { value: { attempts: 0, backoff: () => 0 } } });
  return {
    url: requester.baseUrl ?? "",
    post: (path, body, signal) => requester.request({ path: path === "" ? [] : [path], body, signal: () => signal }),
  };
}
