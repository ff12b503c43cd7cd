import { Redis } from "ioredis";
import { createClient, RESP_TYPES } from "redis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { type Line, lineOf } from "../../src/stores/redis-tcp/clients.ts";
import { type RedisClient, redisStore } from "../../src/stores/redis-tcp/index.ts";
import { ClientTransport } from "../../src/stores/redis-tcp/transport.ts";
import { RespClient } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";
import { startTcpProxy, type TcpProxy, tcpFaults } from "../support/tcp-faults.ts";

interface ClientKind {
  readonly name: string;
  open(port: number): Promise<{ readonly client: RedisClient; close(): unknown }>;
}

async function nodeRedis(port: number, options: object = {}) {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, ...options });
  client.on("error", () => {});
  await client.connect();
  return { client, close: () => client.destroy() };
}

async function ioRedis(port: number, options: object = {}) {
  const client = new Redis(port, { retryStrategy: () => 5, ...options });
  client.on("error", () => {});
  return { client, close: () => client.disconnect() };
}

const soon = { socket: { reconnectStrategy: 5 } };

const kinds: readonly ClientKind[] = [
  { name: "redis", open: (port) => nodeRedis(port, soon) },
  { name: "redis with RESP2", open: (port) => nodeRedis(port, { ...soon, RESP: 2 }) },
  {
    name: "redis that gives texts as buffers",
    open: (port) => nodeRedis(port, { ...soon, commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } }),
  },
  { name: "ioredis", open: (port) => ioRedis(port) },
  { name: "ioredis with RESP2", open: (port) => ioRedis(port, { protocol: 2 }) },
  { name: "ioredis with answers of RESP3", open: (port) => ioRedis(port, { replyMapping: "resp3" }) },
  { name: "ioredis that gives numbers as texts", open: (port) => ioRedis(port, { stringNumbers: true }) },
  { name: "ioredis that resends nothing", open: (port) => ioRedis(port, { autoResendUnfulfilledCommands: false }) },
  { name: "ioredis that connects when asked", open: (port) => ioRedis(port, { lazyConnect: true }) },
];

const redis = useRedis();
let prefixes = 0;
const newPrefix = () => `tcp-${process.pid}-${prefixes++}`;

const attempts: [id: string, attempt: number][] = [];
const note = defineJob({
  name: "note",
  perform: (_: unknown, job) => void attempts.push([job.id, job.attempt]),
});
const beat = defineJob({ name: "beat", schedule: { cron: "0 0 0 1 1 *" }, perform: () => {} });

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  attempts.length = 0;
  for (const { close } of opened.splice(0)) await close();
});

async function open(kind: ClientKind, port = redis.server.port): Promise<RedisClient> {
  const one = await kind.open(port);
  opened.push(one);
  return one.client;
}

/** What a store has of a client that is connected. */
async function openLine(kind: ClientKind, port?: number): Promise<Line> {
  const line = lineOf(await open(kind, port));
  if (!line) throw new Error("The client was not recognised.");
  await new ClientTransport(line).send(["PING"], AbortSignal.timeout(5_000));
  return line;
}

function becomes(line: Line, wanted: "lost" | "ready"): Promise<void> {
  return new Promise((resolve) => line.onChange((change) => change === wanted && resolve()));
}

const usual = ["redis", "redis that gives texts as buffers", "ioredis"];

describe.each(kinds.filter(({ name }) => isForAll || usual.includes(name)))(
  "redisStore on a client of $name",
  (kind) => {
    const queueOn = (client: RedisClient, prefix = newPrefix()) =>
      new Queue({ store: redisStore(client, { prefix }), jobs: [note, beat] });

    test("stores, drains, lists, pauses and counts", async () => {
      const queue = queueOn(await open(kind));
      const { id } = await queue.enqueue(note, { text: 'ü "quoted" 1' }, { delay: "1h" });
      expect(await queue.getJob(id)).toMatchObject({ state: "scheduled", payload: { text: 'ü "quoted" 1' } });
      await queue.reschedule(id, "0s");
      await queue.pause();
      expect(await queue.drain()).toMatchObject({ claimed: 0, stoppedBy: "paused" });
      await queue.resume();
      expect(await queue.drain()).toMatchObject({ claimed: 1, completed: 1, stoppedBy: "empty", backlog: false });
      expect(await queue.schedules.list()).toMatchObject([{ key: "beat", declared: true }]);
      expect(await queue.getStats()).toMatchObject({ totalProcessed: 1, completedCount: 1, pendingCount: 0 });
      expect((await queue.listJobs({ state: "completed" })).jobs).toMatchObject([{ id }]);
      expect((await queue.drain()).nextRunAt?.toISOString()).toMatch(/-01-01T00:00:00.000Z$/);
    });

    test("sends the scripts again if Redis has lost them", async () => {
      const queue = queueOn(await open(kind));
      await queue.enqueue(note);
      const admin = await RespClient.connect(redis.server.port);
      await admin.send(["SCRIPT", "FLUSH"]);
      admin.close();
      expect(await queue.drain()).toMatchObject({ completed: 1 });
    });

    describe("behind a connection that breaks", () => {
      let proxy: TcpProxy;
      beforeAll(async () => {
        proxy = await startTcpProxy(redis.server.port);
      });
      afterAll(() => proxy.stop());

      test.each(tcpFaults)("an enqueue that meets %s stores one job", async (fault) => {
        const queue = queueOn(await open(kind, proxy.port));
        await queue.enqueue(note);
        proxy.next(fault, "chosen-id");
        expect(await queue.enqueue(note, undefined, { id: "chosen-id" })).toMatchObject({ status: "enqueued" });
        expect(await queue.getStats()).toMatchObject({ pendingCount: 2 });
      });

      test.each(tcpFaults)("a drain whose exchange meets %s performs each job once", async (fault) => {
        const prefix = newPrefix();
        const queue = queueOn(await open(kind, proxy.port), prefix);
        const jobs = ["a", "b", "c"].map((id) => ({ job: note, id }));
        await queue.enqueueMany(jobs);
        await queue.pause();
        await queue.drain();
        await queue.resume();
        // The peek passes; the script after it fails.
        proxy.next(fault, "EVALSHA");
        const report = await queue.drain({ batchSize: 2 });
        expect(report).toMatchObject({ completed: 3, lost: 0, backlog: false });
        expect(attempts.sort()).toEqual([
          ["a", 1],
          ["b", 1],
          ["c", 1],
        ]);
        expect(await queue.getStats()).toMatchObject({ totalProcessed: 3, pendingCount: 0, runningCount: 0 });
      });
    });

    test("a closed client gives store_unavailable at once, and says so", async () => {
      const { client, close } = await kind.open(redis.server.port);
      const queue = queueOn(client);
      await queue.getStats();
      await close();
      await expect(queue.enqueue(note, { secret: "payload" })).rejects.toMatchObject({
        code: "store_unavailable",
        message: "The Redis client is closed. Connect it before a queue uses it.",
      });
    });

    test("a command without a connection is abandoned, and not sent later", async () => {
      const proxy = await startTcpProxy(redis.server.port);
      const line = await openLine(kind, proxy.port);
      const transport = new ClientTransport(line, 20);
      const lost = becomes(line, "lost");
      const back = lost.then(() => becomes(line, "ready"));
      const key = newPrefix();
      await transport.send(["INCR", key], AbortSignal.timeout(5_000));
      await proxy.stop();
      await lost;
      await expect(transport.send(["INCR", key], AbortSignal.timeout(5_000))).rejects.toMatchObject({
        code: "store_unavailable",
        message: "The Redis client has no connection. Check its address, and that Redis runs.",
      });
      const again = await startTcpProxy(redis.server.port, proxy.port);
      await back;
      expect(await transport.send(["GET", key], AbortSignal.timeout(5_000))).toBe("1");
      await again.stop();
    });

    test("a call that was abandoned during a lost connection does not run on the next one", async () => {
      const proxy = await startTcpProxy(redis.server.port);
      const line = await openLine(kind, proxy.port);
      const transport = new ClientTransport(line, 20);
      const lost = becomes(line, "lost");
      const back = lost.then(() => becomes(line, "ready"));
      const key = newPrefix();
      proxy.next("drop-request", key);
      const given = transport.send(["INCR", key], AbortSignal.timeout(5_000));
      await expect(given).rejects.toThrow();
      await back;
      const patient = new ClientTransport(line);
      await patient.send(["PING"], AbortSignal.timeout(5_000));
      expect(await patient.send(["GET", key], AbortSignal.timeout(5_000))).toBeNull();
      await proxy.stop();
    });

    test("a missing answer times out", async () => {
      const line = await openLine(kind);
      const transport = new ClientTransport({ ...line, send: () => new Promise(() => {}) });
      const late = {
        code: "store_unavailable",
        message: "Redis did not reply in time. Check the network, and that no slow command blocks it.",
      };
      await expect(transport.send(["PING"], AbortSignal.timeout(5))).rejects.toMatchObject(late);
      await expect(transport.send(["PING"], AbortSignal.abort())).rejects.toMatchObject(late);
    });
  },
);

describe("what a cluster refuses for now", () => {
  function refusing(message: string, times: number, patience?: number) {
    let refusals = 0;
    const send = async () => {
      if (refusals++ < times) throw new Error(message);
      return "OK";
    };
    const line: Line = { isCluster: true, state: () => "ready", send, onChange: () => {} };
    return new ClientTransport(line, patience).send(["PING"], AbortSignal.timeout(5_000));
  }

  test.each([
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "CLUSTERDOWN The cluster is down",
    "Too many Cluster redirections. Last error: ReplyError: TRYAGAIN",
  ])("is retried: %s", async (message) => {
    expect(await refusing(message, 2)).toBe("OK");
  });

  test("is abandoned if it takes too long", async () => {
    await expect(refusing("CLUSTERDOWN The cluster is down", 1_000, 20)).rejects.toThrow(/^CLUSTERDOWN/);
  });

  test("is distinguished from other refusals, which are passed on at once", async () => {
    await expect(refusing("READONLY You can't write against a read only replica.", 1)).rejects.toThrow(/^READONLY/);
  });
});
