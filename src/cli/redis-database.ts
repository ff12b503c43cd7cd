import type { Store } from "../core/store/store.ts";
import { placeOf, readRedisUrl } from "../dev/redis-address.ts";
import { RedisLink } from "../dev/redis-link.ts";
import { upstashStore } from "../stores/redis-http/index.ts";
import { redisStore } from "../stores/redis-tcp/index.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./program.ts";

export interface RedisReply {
  readonly result?: unknown;
  readonly error?: string | undefined;
  /** The status of the response, if there is one to a request. */
  readonly status?: number | undefined;
}

export interface RedisDatabase {
  /** Its URL, without what is secret. */
  readonly url: string;
  storeUnder(prefix: string): Store;
  /** Sends one command, for questions that the store does not ask. Never rejects. */
  ask(command: readonly string[]): Promise<RedisReply>;
}

export function restDatabase({ url, token }: { readonly url: string; readonly token: string }, io: Io): RedisDatabase {
  return {
    url,
    storeUnder: (prefix) => upstashStore({ url, token, prefix }),
    async ask(command) {
      const send = io.fetch ?? ((request: Request) => fetch(request));
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      let status: number | undefined;
      try {
        const body = JSON.stringify(command);
        const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
        const response = await send(new Request(url, { method: "POST", headers, body, redirect: "manual", signal }));
        status = response.status;
        return { ...((await response.json()) as RedisReply), status };
      } catch {
        return { error: "no answer", status };
      }
    },
  };
}

/** The same time limit as the store's. */
const ANSWER_WITHIN_MS = 10_000;

/** A Redis at an address that begins with redis:// or rediss://. @throws {UsageError} if the address makes no sense. */
export function tcpDatabase(address: string): RedisDatabase {
  const read = readRedisUrl(address);
  if (!read)
    throw new UsageError(
      "The address of the Redis is not a valid URL.",
      "It looks like redis://localhost:6379, or rediss://user:password@example.com:6379/0.",
    );
  const link = new RedisLink(read);
  return {
    url: `${read.protocol === "rediss:" ? "https" : "http"}://${placeOf(read)}`,
    storeUnder: (prefix) => redisStore(link, { prefix }),
    ask: ([...command]) =>
      link.sendCommand(command, { abortSignal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).then(
        (result) => ({ result }),
        (error: Error) => ({ error: error.message }),
      ),
  };
}
