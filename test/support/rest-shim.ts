import { RedisLink } from "../../src/dev/redis-link.ts";
import { restApi } from "../../src/dev/rest.ts";
import { serveHttp } from "./http-server.ts";

/** The bearer token that requests must carry. */
const TOKEN = "test-token";

export interface RestShim {
  readonly url: string;
  readonly token: string;
  /** The number of HTTP requests so far, including refused ones. */
  readonly requests: number;
  stop(): Promise<void>;
}

export interface RestShimOptions {
  readonly redisPort: number;
  /**
   * Whether scripts may begin with the line that makes Upstash lock only their keys. Default: as redis-server has it,
   * which refuses the line.
   */
  readonly takesLockingLine?: boolean;
}

/** Serves Upstash's REST API as `tidegate dev` does, with a Redis on this machine behind it. */
export async function startRestShim({ redisPort, takesLockingLine = false }: RestShimOptions): Promise<RestShim> {
  const redis = new RedisLink(new URL(`redis://127.0.0.1:${redisPort}`));
  const answer = restApi({ redis, token: TOKEN, takesLockingLine });
  let requests = 0;
  const server = await serveHttp((request, response) => {
    requests += 1;
    return answer(request, response);
  });
  return {
    url: server.url,
    token: TOKEN,
    get requests() {
      return requests;
    },
    async stop() {
      await server.stop();
      await redis.close();
    },
  };
}
