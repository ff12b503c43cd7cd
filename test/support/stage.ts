import { createClient } from "redis";
import type { Store } from "../../src/core/store/store.ts";
import { transportTo } from "../../src/stores/redis-http/client.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { redisStore } from "../../src/stores/redis-tcp/index.ts";
import { type FaultProxy, startFaultProxy } from "./faults.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
import { RespClient } from "./resp.ts";
import { type RestShim, startRestShim } from "./rest-shim.ts";
import { allScripts, heads, postlude, prelude } from "./scripts.ts";
import { unpausedStore } from "./unpaused-store.ts";

/** A dedicated Redis, with everything in front of it. */
export interface Stage {
  readonly server: RedisServer;
  readonly shim: RestShim;
  /** The proxy in front of the shim. */
  readonly proxy: FaultProxy;
  /** A direct connection to Redis, to read what is stored. It is lost when Redis restarts. */
  readonly redis: RespClient;
  /** A prefix that no other store on the stage has. */
  prefix(): string;
  /** A store whose requests meet no fault. */
  store(prefix?: string): Store;
  /** A store over TCP, which reads in a third of the time. */
  directStore(prefix: string): Store;
  /** A store whose requests pass the proxy. */
  proxiedStore(prefix?: string): Store;
  close(): Promise<void>;
}

/** `upstashStore`, which resends at once. */
function unpausedUpstash(url: string, token: string, prefix: string): Store {
  return unpausedStore(transportTo(url, token), prefix);
}

/**
 * Loads every script in every dialect, so that a fault meets a call and not the refusal of a script that Redis does not
 * have yet. A stock redis-server refuses the dialect of Upstash.
 */
async function loadScripts(redis: RespClient): Promise<void> {
  const sources = Object.values(heads).flatMap((head) =>
    allScripts.map(({ body }) => head + prelude + body + postlude),
  );
  await Promise.all(sources.map((source) => redis.send(["SCRIPT", "LOAD", source])));
}

/** Starts all of it, and loads the scripts. */
export async function openStage(options: RedisServerOptions = {}): Promise<Stage> {
  const server = await startRedis(options);
  const shim = await startRestShim({ redisPort: server.port });
  const proxy = await startFaultProxy(shim.url);
  const redis = await RespClient.connect(server.port);
  const client = createClient({ url: `redis://127.0.0.1:${server.port}` });
  // It connects again if a test restarts Redis.
  await client.on("error", () => {}).connect();
  let prefixes = 0;
  const prefix = () => `stage-${prefixes++}`;
  const { url, token } = shim;
  await loadScripts(redis);
  return {
    server,
    shim,
    proxy,
    redis,
    prefix,
    store: (name = prefix()) => upstashStore({ url, token, prefix: name }),
    directStore: (name) => redisStore(client, { prefix: name }),
    proxiedStore: (name = prefix()) => unpausedUpstash(proxy.url, token, name),
    async close() {
      redis.close();
      client.destroy();
      await proxy.stop();
      await shim.stop();
      await server.stop();
    },
  };
}
