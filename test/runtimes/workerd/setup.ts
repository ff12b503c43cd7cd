import type { TestProject } from "vitest/node";
import { startRedis } from "../../support/redis-server.ts";
import { startRestShim } from "../../support/rest-shim.ts";

declare module "vitest" {
  export interface ProvidedContext {
    readonly upstash: { readonly url: string; readonly token: string };
  }
}

/** Starts a Redis that the tests in workerd reach over HTTP: they cannot start one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await startRedis();
  const shim = await startRestShim({ redisPort: redis.port });
  project.provide("upstash", { url: shim.url, token: shim.token });
  return async () => {
    await shim.stop();
    await redis.stop();
  };
}
