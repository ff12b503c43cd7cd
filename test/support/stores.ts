import { createClient } from "redis";
import { afterAll, beforeAll, describe } from "vitest";
import { otherServers, pathOf } from "../../scripts/other-servers.ts";
import type { Store } from "../../src/index.ts";
import { memoryStore, partitioned } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { redisStore } from "../../src/stores/redis-tcp/index.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
import { type RestShim, startRestShim } from "./rest-shim.ts";

/** A kind of store under test. */
export interface StoreKind {
  readonly name: string;
  /** How many more requests a drain needs at least than on an unpartitioned store; undefined for an unpartitioned store. */
  readonly partitions?: { readonly moreRequests: number };
  /** Opens a new, empty store. */
  create(): Store;
}

let prefixes = 0;

const newPrefix = () => `test-${process.pid}-${prefixes++}`;

/**
 * Runs a suite on memory, and on a real Redis: over HTTP through `@upstash/redis` and a REST shim, and over TCP, also on older
 * servers. Then on three partitions: of memory, of two databases, and of memory and a database.
 */
export function onEveryStore(suite: (kind: StoreKind) => void): void {
  describe("on three partitions", () =>
    suite({ name: "partitioned", partitions: { moreRequests: 6 }, create: () => partitioned(memoryStore(), 3) }));
  // Each store is asked for the partitions of the queue, and initialized, before it is used.
  const partitions = { moreRequests: 9 };
  describe("on three partitions of two databases", () => {
    const [one, other] = [useRedis(), useRedis()];
    suite({ name: "two databases", partitions, create: () => partitioned([one.store(), other.store()], 3) });
  });
  describe("on three partitions of memory and a database", () => {
    const redis = useRedis();
    suite({ name: "memory and a database", partitions, create: () => partitioned([memoryStore(), redis.store()], 3) });
  });
  onEveryWholeStore(suite);
}

/**
 * Runs a suite on memory, on Redis, and on partitions of both: for what stands on the port of the store alone. What differs between
 * clients and servers is tested at that port.
 */
export function onEachKindOfStore(suite: (kind: StoreKind) => void): void {
  describe("on memoryStore", () => suite({ name: "memory", create: memoryStore }));
  const redis = useRedis();
  describe("on upstashStore", () => suite({ name: "upstash", create: () => redis.store() }));
  describe("on three partitions of memory and a database", () =>
    suite({
      name: "memory and a database",
      partitions: { moreRequests: 9 },
      create: () => partitioned([memoryStore(), redis.store()], 3),
    }));
}

/** As `onEveryStore`, without the stores that are already partitioned. */
export function onEveryWholeStore(suite: (kind: StoreKind) => void): void {
  describe("on memoryStore", () => suite({ name: "memory", create: memoryStore }));
  describe("on upstashStore", () => {
    const redis = useRedis();
    suite({ name: "upstash", create: () => redis.store() });
  });
  describe("on redisStore", () => onRedisStore(suite));
  for (const server of otherServers.filter(pathOf))
    describe(`on redisStore with ${server.name}`, () => onRedisStore(suite, { server }));
}

function onRedisStore(suite: (kind: StoreKind) => void, options?: RedisServerOptions): void {
  const redis = useRedis(options);
  let client: Awaited<ReturnType<typeof connect>> | undefined;
  beforeAll(async () => {
    client = await connect(redis.server.port);
  });
  afterAll(() => client?.destroy());
  suite({ name: "redis", create: () => redisStore(started(client), { prefix: newPrefix() }) });
}

function connect(port: number) {
  return createClient({ url: `redis://127.0.0.1:${port}` }).connect();
}

export interface TestRedis {
  readonly server: RedisServer;
  readonly shim: RestShim;
  /** A store under a unique prefix, or under that of another one, as another process opens it. */
  store(prefix?: string): Store;
}

/** Starts a Redis and its shim before the tests of the surrounding suite, and stops them afterwards. */
export function useRedis(options?: RedisServerOptions): TestRedis {
  let server: RedisServer | undefined;
  let shim: RestShim | undefined;
  beforeAll(async () => {
    server = await startRedis(options);
    shim = await startRestShim({ redisPort: server.port });
  });
  afterAll(async () => {
    await shim?.stop();
    await server?.stop();
  });
  return {
    get server() {
      return started(server);
    },
    get shim() {
      return started(shim);
    },
    store(prefix = newPrefix()) {
      const { url, token } = started(shim);
      return upstashStore({ url, token, prefix });
    },
  };
}

function started<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error("Redis runs only while the tests of its suite do.");
  return part;
}
