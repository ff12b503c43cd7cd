import { Cluster } from "ioredis";
import { createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DrainOptions, defineJob, Queue, TidegateError } from "../../src/index.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";
import { type RedisClient, redisStore } from "../../src/stores/redis-tcp/index.ts";
import { drainQueues } from "../support/drain-queues.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { startTcpProxy, type TcpProxy, tcpFaults } from "../support/tcp-faults.ts";

/** Several queues, in slots of their own. */
const QUEUES = 4;
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

  let sets = 0;
  /** Several queues that are drained together. Each has a share of the jobs, by their numbers. */
  function setUp(client = opened.client) {
    const set = sets++;
    const attempts: string[] = [];
    const note = defineJob({
      name: "note",
      perform: (_: unknown, job) => void attempts.push(`${job.id} ${job.attempt}`),
    });
    const store = redisStore(client);
    const queues = Array.from(
      { length: QUEUES },
      (_, number) => new Queue({ name: `queue-${set}-${number}`, store, jobs: [note] }),
    );
    const keys = queues.map(({ name }) => keysOf("tidegate", name).due);
    const enqueue = async (ids: readonly string[]) => {
      for (const [number, queue] of queues.entries()) {
        const share = ids.filter((_, index) => index % QUEUES === number);
        await queue.enqueueMany(share.map((id) => ({ job: note, id })));
      }
      return ids;
    };
    const drain = (options: DrainOptions = {}) => drainQueues(queues, options);
    const processed = async () => {
      const stats = await Promise.all(queues.map((queue) => queue.getStats()));
      return stats.reduce((sum, { totalProcessed }) => sum + totalProcessed, 0);
    };
    return { queues, enqueue, drain, processed, attempts, keys };
  }

  /** Returns undefined for a call that the cluster could not serve at that moment. */
  async function ifAvailable<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
    return call.catch((error: unknown) => {
      if (error instanceof TidegateError && error.code === "store_unavailable") return undefined;
      throw error;
    });
  }

  test("keeps, drains, lists and counts the jobs of several queues", async () => {
    const { queues, enqueue, drain, processed } = setUp();
    await enqueue(Array.from({ length: 40 }, (_, index) => `job-${index}`));
    expect(await drain()).toMatchObject({ completed: 40, lost: 0, backlog: false });
    expect(await processed()).toBe(40);
    expect(await queues[3]?.getJob("job-7")).toMatchObject({ state: "completed" });
    expect((await queues[3]?.listJobs({ state: "completed" }))?.jobs).toHaveLength(10);
  });

  test("loses no job and repeats no attempt while slots move, replicas take over and scripts are forgotten", async () => {
    const { enqueue, drain, processed, attempts, keys } = setUp();
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
        const report = await drain({ budget });
        expect(report.lost).toBe(0);
        isEmpty = !report.backlog;
      }
    };
    await Promise.all([happenings(), produce(), consume(), consume()]);
    await drain({ maxJobs: 100_000, budget });
    expect(attempts.sort()).toEqual(accepted.map((id) => `${id} 1`).sort());
    expect(await processed()).toBe(accepted.length);
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
      const { enqueue, drain, attempts, keys } = setUp(behind.client);
      const ids = Array.from({ length: 40 }, (_, index) => `job-${index}`);
      await enqueue(ids);
      await drain({ maxJobs: 1 });
      proxies.get(await cluster.ownerOf(keys[0] as string))?.next(fault, "EVALSHA");
      expect(await drain({ batchSize: 5, budget })).toMatchObject({ completed: 39, lost: 0, backlog: false });
      expect(attempts.sort()).toEqual(ids.map((id) => `${id} 1`).sort());
    });
  });

  test("continues with the state of a replica when its primary crashes", async () => {
    const { enqueue, drain, attempts, keys } = setUp();
    const ids = Array.from({ length: 200 }, (_, index) => `job-${index}`);
    await enqueue(ids);
    await cluster.crash(keys[0] as string);
    while (attempts.length < ids.length) await ifAvailable(drain({ maxJobs: 200, budget }));
    expect(attempts.sort()).toEqual(ids.map((id) => `${id} 1`).sort());
  });
});
