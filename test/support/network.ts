import { deepStrictEqual, rejects } from "node:assert/strict";
import { createClient } from "redis";
import type { StoreMethod } from "../../src/core/store/calls.ts";
import type { QueueStore } from "../../src/core/store/store.ts";
import { memoryStore } from "../../src/index.ts";
import { lineOf } from "../../src/stores/redis-tcp/clients.ts";
import { ClientTransport } from "../../src/stores/redis-tcp/transport.ts";
import { start } from "./clock.ts";
import type { Fault } from "./faults.ts";
import { readStored, storedBreaches } from "./invariants.ts";
import { lossOf, overNetwork, passingFaults } from "./lossy.ts";
import { plain } from "./plain.ts";
import { everythingIn } from "./queue-contents.ts";
import type { Stage } from "./stage.ts";
import { fillStore, storeTrials } from "./store-trials.ts";
import { startTcpProxy, tcpFaults } from "./tcp-faults.ts";
import { unpausedStore } from "./unpaused-store.ts";

/** A connection to Redis with faults. */
export interface Road {
  readonly name: "upstash" | "redis";
  /** The faults after which a resent call succeeds. */
  readonly faults: readonly Fault[];
  readonly prefix: string;
  /** A queue's store behind the faults. */
  open(queue: string): QueueStore;
  next(fault: Fault): void;
  always(fault: Fault | undefined): void;
  close(): Promise<void>;
}

export function httpRoad(stage: Stage): Road {
  const prefix = stage.prefix();
  const store = stage.proxiedStore(prefix);
  const { next, always } = stage.proxy;
  return { name: "upstash", faults: passingFaults, prefix, next, always, open: store.open, close: async () => {} };
}

export async function tcpRoad(stage: Stage): Promise<Road> {
  const prefix = stage.prefix();
  const proxy = await startTcpProxy(stage.server.port);
  const client = createClient({
    url: `redis://127.0.0.1:${proxy.port}`,
    socket: { reconnectStrategy: () => 1 },
  });
  // Lost connections are expected here.
  client.on("error", () => {});
  await client.connect();
  const line = lineOf(client);
  if (!line) throw new Error("redisStore takes no such client.");
  // As `redisStore`, which also pauses before it resends.
  const store = unpausedStore(new ClientTransport(line), prefix);
  await store.open("warm").peek(start);
  return {
    name: "redis",
    faults: tcpFaults,
    prefix,
    next: proxy.next,
    always: proxy.always,
    open: store.open,
    async close() {
      client.destroy();
      await proxy.stop();
    },
  };
}

let queues = 0;

/** Large ones: pages are not what is tested. */
const pages = { limit: 100 };

/** A queue with one of everything, and a connection to it with faults. */
async function setOut(stage: Stage, road: Road) {
  const queue = `queue-${queues++}`;
  const real = stage.directStore(road.prefix).open(queue);
  const runs = await fillStore(real);
  return { real, runs, far: road.open(queue), stored: () => readStored(stage.redis, road.prefix, queue) };
}

/** An answer without the parts that a resend may change, as in the model. */
function comparable(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null || !("settled" in answer) || !("jobs" in answer))
    return plain(answer);
  const { nextAt: _, jobs, ...rest } = answer as { nextAt?: unknown; jobs: readonly { lease: { id: string } }[] };
  return plain({ ...rest, jobs: [...jobs].sort((a, b) => (a.lease.id < b.lease.id ? -1 : 1)) });
}

/** Calls a method while the network has a fault: its answer, and the state after it, must be as expected. */
export async function tryMethod(stage: Stage, road: Road, method: StoreMethod, fault: Fault): Promise<void> {
  const { real, runs, far } = await setOut(stage, road);
  const memory = memoryStore().open("default");
  await fillStore(memory);
  const expected = await storeTrials[method](
    overNetwork(memory, () => fault),
    runs,
  );
  road.next(fault);
  const actual = await storeTrials[method](far, runs);
  deepStrictEqual(comparable(actual), comparable(expected));
  deepStrictEqual(plain(await everythingIn(real, start, pages)), plain(await everythingIn(memory, start, pages)));
}

/** The same while the fault is permanent: the call fails as documented, and the stored state is complete. */
export async function tryInVain(stage: Stage, road: Road, method: StoreMethod, fault: Fault): Promise<void> {
  const { real, runs, far, stored } = await setOut(stage, road);
  const before = plain(await everythingIn(real, start, pages));
  road.always(fault);
  try {
    await rejects(storeTrials[method](far, runs), { code: "store_unavailable" });
  } finally {
    road.always(undefined);
  }
  if (lossOf(fault) === "request") deepStrictEqual(plain(await everythingIn(real, start, pages)), before);
  deepStrictEqual(storedBreaches(await stored()), []);
}
