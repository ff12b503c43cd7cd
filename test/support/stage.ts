import type { Store } from "../../src/core/store.ts";
import { upstashStore } from "../../src/stores/upstash/index.ts";
import { type FaultProxy, startFaultProxy } from "./faults.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
import { RespClient } from "./resp.ts";
import { type RestShim, startRestShim } from "./rest-shim.ts";
import { loadScripts } from "./store-trials.ts";

/** A Redis of one's own, with all that stands before it. */
export interface Stage {
  readonly server: RedisServer;
  readonly shim: RestShim;
  /** On the way to the shim. */
  readonly proxy: FaultProxy;
  /** Straight to Redis, to see what is stored. It is lost when Redis restarts. */
  readonly redis: RespClient;
  /** A prefix that no other store on the stage has. */
  prefix(): string;
  /** A store whose requests meet no fault. */
  store(prefix?: string): Store;
  /** A store whose requests pass the proxy. */
  proxiedStore(prefix?: string): Store;
  close(): Promise<void>;
}

/** Starts all of it. Redis knows the scripts already. */
export async function openStage(options: RedisServerOptions = {}): Promise<Stage> {
  const server = await startRedis(options);
  const shim = await startRestShim({ redisPort: server.port });
  const proxy = await startFaultProxy(shim.url);
  const redis = await RespClient.connect(server.port);
  let prefixes = 0;
  const prefix = () => `stage-${prefixes++}`;
  const { url, token } = shim;
  await loadScripts(() => upstashStore({ url, token, prefix: prefix() }).open("default"));
  return {
    server,
    shim,
    proxy,
    redis,
    prefix,
    store: (name = prefix()) => upstashStore({ url, token, prefix: name }),
    proxiedStore: (name = prefix()) => upstashStore({ url: proxy.url, token, prefix: name }),
    async close() {
      redis.close();
      await proxy.stop();
      await shim.stop();
      await server.stop();
    },
  };
}
