import { Redis } from "@upstash/redis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe } from "vitest";
import { otherServers, pathOf } from "../../scripts/other-servers.ts";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { encryptedStore } from "../../src/core/encryption/encrypted-store.ts";
import { type EncryptionOptions, openKeys } from "../../src/core/encryption/keys.ts";
import type { Store } from "../../src/index.ts";
import { memoryStore } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { redisStore } from "../../src/stores/redis-tcp/index.ts";
import { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
import { type RestShim, startRestShim } from "./rest-shim.ts";

/** A kind of store under test. */
export interface StoreKind {
  readonly name: string;
  /** Whether it encrypts: what it stores is a third larger. Default false. */
  readonly isEncrypted?: boolean;
  /** Opens a new, empty store. */
  create(): Store;
  /** A new, empty store. Returns a function that opens it, as one process after the other does. */
  shared(): () => Store;
}

/** @param shared as in `StoreKind`. */
function kindOf(name: string, shared: StoreKind["shared"]): StoreKind {
  return { name, create: () => shared()(), shared };
}

function sharedMemory(): () => Store {
  const store = memoryStore();
  return () => store;
}

function sharedRedis(redis: TestRedis): () => Store {
  const prefix = newPrefix();
  return () => redis.store(prefix);
}

let prefixes = 0;

const newPrefix = () => `test-${process.pid}-${prefixes++}`;

/**
 * Runs a suite of the port of the store: on memory, and on a real Redis, over HTTP through a REST shim, and over TCP,
 * also on older servers.
 */
export function onEveryStore(suite: (kind: StoreKind) => void): void {
  const redis = useRedis();
  onMemoryAndUpstash(suite, redis);
  onTcp(suite, redis);
}

/**
 * Runs a suite on memory and on Redis: for what stands on the port of the store alone. What differs between clients and
 * servers is tested at that port. With `--all`, it runs on every store, and on stores that encrypt.
 */
export function onEachKindOfStore(suite: (kind: StoreKind) => void): void {
  onEachPlainStore(suite);
  if (isForAll) onEncryptedStores(suite);
}

/** The same, but on no store that encrypts: for what has to do with encryption itself, or with what fits. */
export function onEachPlainStore(suite: (kind: StoreKind) => void): void {
  if (isForAll) onEveryStore(suite);
  else onMemoryAndUpstash(suite, useRedis());
}

/** Runs a suite on memory, and with `--all` on all stores: for what others test on Redis, part by part. */
export function onMemoryAtLeast(suite: (kind: StoreKind) => void): void {
  if (isForAll) onEachKindOfStore(suite);
  else describe("on memoryStore", () => suite(kindOf("memory", sharedMemory)));
}

/** Keys of tests: 32 bytes, all of them the same. */
export const testKeys = {
  k1: "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
  k2: "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
};

/** A store whose queues encrypt, as with the option of a queue. */
export function encrypting(store: Store, options: EncryptionOptions = { current: "k1", keys: testKeys }): Store {
  return {
    open: (queue, meter) => encryptedStore(store.open(queue, meter), openKeys(queue, options), meter),
  };
}

/** Everything that a queue promises holds with encryption, too. */
function onEncryptedStores(suite: (kind: StoreKind) => void): void {
  const redis = useRedis();
  const encrypted = (name: string, shared: () => () => Store) =>
    suite({
      ...kindOf(name, () => {
        const open = shared();
        return () => encrypting(open());
      }),
      isEncrypted: true,
    });
  describe("encrypted, on memoryStore", () => encrypted("memory", sharedMemory));
  const sharedClient = () => {
    const client = new Redis(redis.shim);
    const prefix = newPrefix();
    return () => upstashStore({ redis: client, prefix });
  };
  describe("encrypted, on upstashStore with a client of @upstash/redis", () => encrypted("upstash", sharedClient));
}

function onMemoryAndUpstash(suite: (kind: StoreKind) => void, redis: TestRedis): void {
  describe("on memoryStore", () => suite(kindOf("memory", sharedMemory)));
  describe("on upstashStore", () => suite(kindOf("upstash", () => sharedRedis(redis))));
}

function onTcp(suite: (kind: StoreKind) => void, redis: TestRedis): void {
  describe("on redisStore", () => onRedisStore(suite, redis));
  for (const server of otherServers.filter(pathOf))
    describe(`on redisStore with ${server.name}`, () => onRedisStore(suite, useRedis({ server })));
}

function onRedisStore(suite: (kind: StoreKind) => void, redis: TestRedis): void {
  let client: Awaited<ReturnType<typeof connect>> | undefined;
  beforeAll(async () => {
    client = await connect(redis.server.port);
  });
  afterAll(() => client?.destroy());
  const shared = () => {
    const prefix = newPrefix();
    return () => redisStore(started(client), { prefix });
  };
  suite(kindOf("redis", shared));
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
