import type { StoreMethod } from "../../src/core/store/calls.ts";
import { childId, type NewFamily, type NewMember, type NewParent } from "../../src/core/store/family.ts";
import type { Lease, NewJob, Outcome, QueueStore } from "../../src/core/store/store.ts";
import { memoryStore } from "../../src/index.ts";
import { start as now } from "./clock.ts";

export const minute = 60_000;
const group = "0123456789ab";
const page = { cursor: undefined, limit: 10, mostBytes: 1_000, now };

/** A job for the port, due at the start. */
export const job = (id: string, more: Partial<NewJob> = {}): NewJob => ({
  id,
  isFreshId: false,
  runAt: now,
  record: `1:{"id":"${id}"}`,
  ...more,
});

/** A parent with some children. */
export const family = (
  id: string,
  { total = 2, waitFor = "ended", ...more }: Partial<NewMember & NewParent> = {},
): NewFamily => ({
  isFreshId: false,
  members: [
    { id, runAt: now, record: `1:{"id":"${id}"}`, parent: { waitFor, total }, ...more },
    ...Array.from({ length: total }, (_, index) => {
      const child = childId(id, index);
      return { id: child, runAt: now, record: `1:{"id":"${child}"}` };
    }),
  ],
});

/** The parameters of an exchange that does nothing. */
export const exchange = { now, settle: [], fire: [], retentionMs: 86_400_000, observe: true };

/**
 * Fills a queue with one of everything: waiting, running, completed and dead jobs, and schedules. Returns the lease of
 * the running job.
 */
export async function fillStore(store: QueueStore): Promise<Lease> {
  const leaseEndsAt = now + minute;
  const held = ["runs", "ends", "dies"].map((id) => job(id, { leaseEndsAt }));
  const replies = await store.enqueue(
    [
      job("waits"),
      job("waits-2", { dedupe: { key: "waited-for", ttlMs: 10 * minute } }),
      job("later", { runAt: now + minute }),
      ...held,
    ],
    now,
  );
  const [runs, ends, dies] = replies.flatMap(({ lease }) => lease ?? []);
  if (!runs || !ends || !dies) throw new Error("A job that was to be held is not.");
  const settle: Outcome[] = [
    { to: "completed", lease: ends, record: "1:ended" },
    { to: "dead", lease: dies, at: now, record: "1:died", group },
  ];
  await store.exchange({ ...exchange, settle });
  await store.changeSchedules({ put: [{ key: "daily", record: "1:daily", next: now }] });
  const hourly = { key: "hourly", record: "1:hourly", next: now + minute };
  await store.changeSchedules({ manifest: { from: undefined, to: "m1" }, put: [hourly] });
  const texts = ["old", "older", "passing"].map((name) => ({
    kind: "notes",
    name,
    text: `1:${name}`,
    mark: `of-${name}`,
  }));
  await store.changeDocuments(
    [...texts.slice(0, 2), { ...(texts[2] as (typeof texts)[0]), expiresAt: now + minute }],
    now,
  );
  return runs;
}

/** A call of each method, on a queue that `fillStore` has filled. A method without one is a compile error. */
export const storeTrials: Readonly<Record<StoreMethod, (store: QueueStore, runs: Lease) => Promise<unknown>>> = {
  enqueue: (store) =>
    store.enqueue(
      [
        job("new", { record: "1:new" }),
        job("waits", { record: "1:other" }),
        job("held", { leaseEndsAt: now + minute }),
        job("once", { dedupe: { key: "k", ttlMs: 10 * minute } }),
        job("twice", { dedupe: { key: "k", ttlMs: 10 * minute } }),
        job("newer", { dedupe: { key: "k", ttlMs: 10 * minute, replaces: ":{" } }),
        job("newest", { dedupe: { key: "waited-for", ttlMs: 10 * minute, replaces: ":{" } }),
      ],
      now,
    ),
  enqueueFamily: (store) => store.enqueueFamily(family("parent"), now),
  settle: (store, runs) =>
    store.settle({
      now,
      settle: [{ to: "completed", lease: runs, record: "1:ended", followUps: [job("follows"), job("waits")] }],
      retentionMs: minute,
    }),
  exchange: (store, runs) =>
    store.exchange({
      ...exchange,
      settle: [
        { to: "retried", lease: runs, runAt: now + minute, record: "1:again", timing: { waitedMs: 5, ranMs: 7 } },
      ],
      fire: [{ key: "daily", occurrence: now, next: now + minute, record: "1:fired", jobs: [job("daily@now")] }],
      claim: { limit: 2, leaseMs: minute },
    }),
  signal: (store) =>
    store.signal(
      { id: "s-1", event: "paid", text: '{"id":"s-1","event":"paid","data":1}', keepMs: minute, knownMs: minute },
      now,
    ),
  extend: (store, runs) => store.extend([{ lease: runs, endsAt: now + 2 * minute, record: "1:progress" }]),
  change: (store) =>
    store.change({ id: "later", from: { at: now + minute, claims: 0 }, runAt: now, record: "1:moved" }),
  rewrite: (store) => store.rewrite("ready", [{ id: "waits", from: '1:{"id":"waits"}', record: "1:rewritten" }]),
  retryDead: (store) =>
    store.retryDead([{ id: "dies", deadSince: now, claims: 1, runAt: now, record: "1:revived" }], now),
  reschedule: (store) =>
    store.reschedule(
      ["waits", "runs", "nobody", "later"].map((id) => ({ id, runAt: now + 2 * minute })),
      now,
    ),
  cancel: (store) => store.cancel(["waits"], now),
  removeDead: (store) => store.removeDead(["dies", "nobody"], now),
  clear: (store) => store.clear("pending", now).then(({ cleared }) => cleared),
  setJobsPaused: (store) => store.setJobsPaused("mail", { name: "mail", reason: "down", by: null, since: now }),
  findFlow: (store) => store.findFlow("tenant", now),
  listFlows: (store) => store.listFlows({ cursor: undefined, limit: 10, now }),
  changeFlow: (store) =>
    store.changeFlow(
      "tenant",
      { to: "set", limits: { concurrency: 3, rate: 10, periodMs: minute, ordered: false } },
      now,
    ),
  figures: (store) => store.figures(now, 8),
  pending: (store) => store.pending(now),
  history: (store) => store.history(now, 336),
  setPaused: (store) => store.setPaused(true),
  noteChange: (store) => store.noteChange('{"operation":"pause"}'),
  changes: (store) => store.changes(undefined, 10),
  changeSchedules: (store) =>
    store.changeSchedules({ put: [{ key: "new", record: "1:{}", next: now }], remove: ["daily"] }),
  findDocument: (store) => store.findDocument("notes", "old", now),
  listDocuments: (store) => store.listDocuments({ ...page, kind: "notes" }),
  changeDocuments: (store) =>
    store.changeDocuments(
      [
        { kind: "notes", name: "new", text: "1:new", mark: "m1", from: null, expiresAt: now + minute },
        { kind: "notes", name: "old", text: "1:changed", mark: "m2", from: "of-old" },
        { kind: "notes", name: "older", text: undefined, mark: "m3", from: "of-older" },
      ],
      now,
    ),
  peek: (store) => store.peek(now, true),
  find: (store) => store.find("runs", now),
  findEach: (store) => store.findEach(["nobody", "dies", "waits", "ends", "runs"], 1_000, now),
  list: (store) => store.list("ready", page),
  // Each store has a text of its own: what they share is that it stays the same while nothing happens.
  pulse: async (store) => {
    const first = await store.pulse();
    return first === (await store.pulse());
  },
  failures: (store) => store.failures(page),
  stats: (store) => store.stats(now),
  listSchedules: async (store) => [...(await store.listSchedules())].sort((a, b) => (a.key < b.key ? -1 : 1)),
};

/** The methods of a store, read from one. */
export function storeMethods(): readonly string[] {
  return Object.keys(memoryStore().open("default")).filter((name) => name !== "keepsConnection" && name !== "isFree");
}
