import { Cluster } from "ioredis";
import { createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineJob, partitioned, Queue, TidegateError } from "../../src/index.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";
import { type RedisClient, redisStore } from "../../src/stores/redis-tcp/index.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { startTcpProxy, type TcpProxy, tcpFaults } from "../support/tcp-faults.ts";

const PARTITIONS = 4;
/** A node that does not know a script costs one more request. */
const budget = { roundTrips: 1_000, commands: 100_000 };

interface ClientKind {
  readonly name: string;
  /** @param proxies where the client finds each node, if not at its own port. */
  open(
    ports: readonly number[],
    proxies?: ReadonlyMap<number, TcpProxy>,
  ): Promise<{ readonly client: RedisClient; close(): unknown }>;
}

const host = "127.0.0.1";
const addresses = (proxies: ReadonlyMap<number, TcpProxy> = new Map()) =>
  Object.fromEntries([...proxies].map(([port, proxy]) => [`${host}:${port}`, { host, port: proxy.port }]));

const kinds: readonly ClientKind[] = [
  {
    name: "ioredis",
    async open(ports, proxies) {
      const client = new Cluster(
        ports.map((port) => ({ host, port })),
        { natMap: addresses(proxies) },
      );
      client.on("error", () => {});
      return { client, close: () => client.disconnect() };
    },
  },
  {
    name: "redis",
    async open(ports, proxies) {
      const client = createCluster({
        rootNodes: ports.map((port) => ({ url: `redis://${host}:${port}` })),
        nodeAddressMap: addresses(proxies),
        topologyRefreshOnReconnectionAttemptStrategy: 100,
        defaults: { socket: { reconnectStrategy: 5 } },
      });
      client.on("error", () => {});
      await client.connect();
      return { client, close: () => client.destroy() };
    },
  },
];

describe.each(kinds)("redisStore on a cluster, with a client of $name", (kind) => {
  let cluster: RedisCluster;
  let opened: Awaited<ReturnType<ClientKind["open"]>>;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    opened = await kind.open(cluster.ports);
  });
  afterAll(async () => {
    await opened?.close();
    await cluster?.stop();
  });

  let queues = 0;
  function setUp(client = opened.client) {
    const name = `queue-${queues++}`;
    const attempts: string[] = [];
    const note = defineJob({
      name: "note",
      perform: (_: unknown, job) => void attempts.push(`${job.id} ${job.attempt}`),
    });
    const queue = new Queue({ name, store: partitioned(redisStore(client), PARTITIONS), jobs: [note] });
    const keys = Array.from({ length: PARTITIONS }, (_, partition) => keysOf("tidegate", name, partition).due);
    const enqueue = async (ids: readonly string[]) =>
      (await queue.enqueueMany(ids.map((id) => ({ job: note, id })))).map(({ id }) => id);
    return { queue, enqueue, attempts, keys };
  }

  /** Returns undefined for a call that the cluster could not serve at that moment. */
  async function ifAvailable<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
    return call.catch((error: unknown) => {
      if (error instanceof TidegateError && error.code === "store_unavailable") return undefined;
      throw error;
    });
  }

  test("spreads the first 2, 4, ... 64 partitions of every queue over equal shares of its slots", async () => {
    for (const name of ["default", "mail", "urgent", ...Array.from({ length: 20 }, (_, index) => `tenant-${index}`)]) {
      const keys = Array.from({ length: 64 }, (_, partition) => keysOf("tidegate", name, partition).due);
      const slots = await Promise.all(keys.map((key) => cluster.slotOf(key)));
      for (const count of [2, 4, 8, 16, 32, 64]) {
        const shares = slots.slice(0, count).map((slot) => Math.floor((slot * count) / 16_384));
        expect(new Set(shares).size, `${count} partitions of ${name}`).toBe(count);
      }
    }
  });

  test("keeps, drains, lists and counts the jobs of all partitions", async () => {
    const { queue, enqueue } = setUp();
    await enqueue(Array.from({ length: 40 }, (_, index) => `job-${index}`));
    expect(await queue.drain()).toMatchObject({ completed: 40, lost: 0, backlog: false });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 40, totalProcessed: 40, completedCount: 40 });
    expect(await queue.getJob("job-7")).toMatchObject({ state: "completed" });
  });

  test("loses no job and repeats no attempt while slots move, replicas take over and scripts are forgotten", async () => {
    const { queue, enqueue, attempts, keys } = setUp();
    let isOver = false;
    const happenings = async () => {
      for (const key of keys) await cluster.move(key);
      await cluster.failOver();
      await cluster.forgetScripts();
      isOver = true;
    };
    const accepted: string[] = [];
    const produce = async () => {
      for (let batch = 0; !isOver; batch++)
        accepted.push(...(await enqueue(Array.from({ length: 10 }, (_, index) => `${batch}-${index}`))));
    };
    const consume = async () => {
      for (let isEmpty = false; !isOver || !isEmpty; ) {
        const report = await queue.drain({ budget });
        expect(report.lost).toBe(0);
        isEmpty = !report.backlog;
      }
    };
    await Promise.all([happenings(), produce(), consume(), consume()]);
    await queue.drain({ maxJobs: 100_000, budget });
    expect(attempts.sort()).toEqual(accepted.map((id) => `${id} 1`).sort());
    expect(await queue.getStats()).toMatchObject({ totalProcessed: accepted.length, pendingCount: 0, runningCount: 0 });
  });

  describe("behind connections that break", () => {
    const proxies = new Map<number, TcpProxy>();
    let behind: typeof opened;
    beforeAll(async () => {
      for (const port of cluster.ports) proxies.set(port, await startTcpProxy(port));
      behind = await kind.open(cluster.ports, proxies);
    });
    afterAll(async () => {
      await behind?.close();
      for (const proxy of proxies.values()) await proxy.stop();
    });

    test.each(tcpFaults)("performs each job once when an exchange with a node meets %s", async (fault) => {
      const { queue, enqueue, attempts, keys } = setUp(behind.client);
      const ids = Array.from({ length: 40 }, (_, index) => `job-${index}`);
      await enqueue(ids);
      await queue.drain({ maxJobs: 1 });
      proxies.get(await cluster.ownerOf(keys[0] as string))?.next(fault, "EVALSHA");
      expect(await queue.drain({ batchSize: 5, budget })).toMatchObject({ completed: 39, lost: 0, backlog: false });
      expect(attempts.sort()).toEqual(ids.map((id) => `${id} 1`).sort());
    });
  });

  test("continues with the state of a replica when its primary crashes", async () => {
    const { queue, enqueue, attempts, keys } = setUp();
    const ids = Array.from({ length: 200 }, (_, index) => `job-${index}`);
    await enqueue(ids);
    await cluster.crash(keys[0] as string);
    while (attempts.length < ids.length) await ifAvailable(queue.drain({ maxJobs: 200, budget }));
    expect(attempts.sort()).toEqual(ids.map((id) => `${id} 1`).sort());
  });
});
