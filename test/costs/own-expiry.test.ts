import { beforeAll, describe, expect, test } from "vitest";
import { otherServers, pathOf } from "../../scripts/other-servers.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// What docs/guide/costs.md says of servers without HSETEX.

const noop = defineJob({ name: "noop", perform: () => {} });
const fails = defineJob({
  name: "fails",
  maxRetries: 2,
  backoff: { base: 0 },
  perform: () => Promise.reject(new Error("no luck")),
});

const lone = [{ job: noop }];
const hundred = Array.from({ length: 100 }, () => ({ job: noop }));
const dedupe = { key: "shop-7", ttl: "10m" } as const;

describe.each([
  { name: "redis-server", server: undefined, hasOwnExpiry: false },
  ...otherServers.filter(pathOf).map((server) => ({ name: server.name, server, hasOwnExpiry: true })),
])("billed commands on $name", ({ server, hasOwnExpiry }) => {
  const redis = useRedis({ server });

  function setUp() {
    const store = redis.store();
    const clock = clockByHand(start);
    const invocation = () => new Queue({ store, jobs: [noop, fails], clock, random: () => 0.5, logger: null });
    return { invocation, queue: invocation(), clock };
  }

  // Loads the scripts, and detects what the server lacks.
  beforeAll(async () => {
    const { queue } = setUp();
    await queue.enqueueMany([{ job: noop }, { job: fails }]);
    await queue.enqueue(noop, undefined, { id: "order-7" });
    await queue.drain();
  });

  const eager = async (queue: Queue, id?: string) => {
    const { drain, enqueueHeld } = internalsOf(queue);
    return drain({ held: (await enqueueHeld([{ job: noop, ...(id && { id }) }])).held, heldOnly: true });
  };

  const rows: readonly {
    readonly what: string;
    /** With HSETEX, and without it. */
    readonly costs: readonly [number, number];
    readonly before?: (queue: Queue) => Promise<unknown>;
    readonly run: (at: ReturnType<typeof setUp>) => Promise<unknown>;
  }[] = [
    { what: "enqueue one job", costs: [3, 3], run: ({ queue }) => queue.enqueue(noop) },
    {
      what: "with an id",
      costs: [6, 6],
      run: ({ queue }) => queue.enqueue(noop, undefined, { id: "order-7" }),
    },
    { what: "with a dedupe key", costs: [6, 7], run: ({ queue }) => queue.enqueue(noop, undefined, { dedupe }) },
    { what: "enqueue 100 jobs at once", costs: [4, 4], run: ({ queue }) => queue.enqueueMany(hundred) },
    {
      what: "drain 100 jobs with nothing else waiting",
      costs: [20, 24],
      before: (queue) => queue.enqueueMany(hundred),
      run: ({ queue }) => queue.drain(),
    },
    {
      what: "one job, enqueued over HTTP and run right after the response",
      costs: [10, 12],
      run: ({ queue }) => eager(queue),
    },
    { what: "the same with an id", costs: [12, 14], run: ({ queue }) => eager(queue, "order-7") },
    {
      what: "one job, enqueued by your own code and then found by a tick, a wake-up or a drain in your route",
      costs: [15, 17],
      run: async ({ invocation }) => {
        await invocation().enqueueMany(lone);
        await invocation().drain();
      },
    },
    {
      what: "an occurrence of a schedule",
      costs: [13, 15],
      before: (queue) => queue.schedules.upsert("minutely", { job: noop, cron: "* * * * *" }),
      run: async ({ invocation, clock }) => {
        clock.now += 60_000;
        await invocation().drain();
      },
    },
    {
      what: "a job that fails three times and is dead-lettered",
      costs: [29, 29],
      run: async ({ queue }) => {
        await queue.enqueue(fails);
        await queue.drain();
      },
    },
    { what: "a tick that finds nothing", costs: [1, 1], run: ({ queue }) => queue.drain() },
  ];

  /** Settles a job of each name: a new name costs a command once. It also loads the scripts that this server takes. */
  const knowNames = async (queue: Queue) => {
    await queue.enqueueMany([{ job: noop }, { job: fails, maxRetries: 0 }]);
    await queue.drain();
    await queue.clear({ state: "dead" });
  };

  test.each(rows)("$what", async ({ costs: [withIt, without], before, run }) => {
    const at = setUp();
    await knowNames(at.queue);
    await before?.(at.queue);
    const { commands } = await countCommands(redis.server.port, () => run(at));
    expect(commands).toBe(hasOwnExpiry ? without : withIt);
  });
});
