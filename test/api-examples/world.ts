import * as z from "zod";
import type { BulkJob } from "../../src/core/enqueue/bulk.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import type { Clock } from "../../src/core/shared/clock.ts";
import type { QueueStore, Store } from "../../src/core/store/store.ts";
import { createHandler, type HandlerOptions } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";

/** The token of each scope. */
export const tokens = {
  enqueue: "the-enqueue-token",
  drain: "the-drain-token",
  signal: "the-signal-token",
  read: "the-read-token",
  admin: "the-admin-token",
};

const sendEmail = defineJob({
  name: "send_email",
  schema: z.object({ to: z.string() }),
  perform: () => ({ sent: true }),
});

const image = z.object({ url: z.string() });

/** A job that always fails. Its schema throws if the payload is "boom". */
const resizeImage = defineJob({
  name: "resize_image",
  maxRetries: 0,
  schema: {
    "~standard": {
      version: 1,
      vendor: "test",
      validate(value: unknown) {
        if (value === "boom") throw new Error("This schema has a fault.");
        return image["~standard"].validate(value);
      },
    },
  },
  perform() {
    throw new Error("The image server does not answer.");
  },
});

const dailyReport = defineJob({ name: "daily_report", perform() {} });

/** A job with a step, which then waits for a signal. */
const greet = defineJob({
  name: "greet",
  async perform({ user }: { readonly user: number }, job) {
    await job.step("draft", () => "Dear Ada");
    await job.waitFor([`reply-${user}`, `left-${user}`], { timeout: "7d" });
  },
});

export interface WorldOptions {
  /** Default: a memory store of its own. */
  readonly store?: Store;
  readonly handler?: Partial<HandlerOptions>;
  /**
   * Whether a newer version has written to the queue: the schedule `newer` and the dead job `newer` cannot be read.
   * Default: false.
   */
  readonly hasNewer?: boolean;
  /** Whether as much is kept for the event `crowded` as may be. Default: false. */
  readonly isCrowded?: boolean;
  /** Default: one that stands still in March 2026. */
  readonly clock?: Clock;
}

const NOW = Date.parse("2026-03-01T12:00:00Z");

/**
 * A handler for a queue that has one of everything: `order-7` and `photo-2` wait, `order-6` runs, `order-5` is
 * completed, `photo-1` is dead, the rate of the key `tenant-7` holds back `order-8`, `report-3` waits for two children,
 * of which one has come, `signup-42` waits for the signal `reply-42`, `daily` is a schedule, and `weekly` one whose job
 * was just made by hand.
 */
export async function apiWorld({
  store: within = memoryStore(),
  handler,
  hasNewer,
  isCrowded,
  clock = () => NOW,
}: WorldOptions = {}) {
  const store = faultyStore(within);
  let made = 0;
  const newId = () => `019ca955-7400-7000-8000-${String(++made).padStart(12, "0")}`;
  const jobs = [sendEmail, resizeImage, dailyReport, greet];
  const encryption = { current: "k1", keys: { k1: "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=" } };
  const queue = new Queue({ store, jobs, clock, random: () => 0.5, newId, logger: null, encryption });
  const to = "ada@example.com";
  const flowControl = { key: "tenant-7", rate: 1, period: "1m" } as const;
  await ended(queue, { job: sendEmail.name, payload: { to }, id: "order-5", flowControl });
  await ended(queue, { job: greet.name, payload: { user: 42 }, id: "signup-42" });
  await ended(queue, { job: resizeImage.name, payload: { url: "https://example.com/1.png" }, id: "photo-1" });
  await internalsOf(queue).enqueueHeld([{ job: sendEmail, payload: { to }, id: "order-6" }]);
  await queue.enqueueMany([
    { job: sendEmail, payload: { to }, id: "order-7", delay: "5m" },
    { job: resizeImage, payload: { url: "https://example.com/2.png" }, id: "photo-2", delay: "1h" },
    { job: sendEmail, payload: { to }, id: "order-8", flowControl },
  ]);
  await queue.schedules.upsert("daily", { job: dailyReport, cron: "0 9 * * *", timeZone: "Europe/Paris" });
  await queue.schedules.upsert("weekly", { job: dailyReport, cron: "@weekly" });
  await queue.schedules.run("weekly");
  const child = { job: sendEmail, payload: { to }, delay: "1h" } as const;
  await internalsOf(queue).enqueueFamily({ job: dailyReport, id: "report-3", children: [child] });
  // Encryption makes it a third larger.
  if (isCrowded) {
    await queue.signal("crowded", "x".repeat(195_500));
    for (let paused = 0; paused < 20; paused++) await queue.pauseJobs(`type ${paused}`);
  }
  if (hasNewer) await storeNewer(store.open(queue.name), clock());
  const { fetch } = createHandler({ queue, auth: mapped(tokens), onError: () => {}, ...handler });
  return { queue, fetch, store };
}

/** A job that has run once. */
async function ended(queue: Queue, job: BulkJob): Promise<void> {
  const { held } = await internalsOf(queue).enqueueHeld([job]);
  await internalsOf(queue).drain({ held }, { maxJobs: held.length });
}

/** What a newer version may store. */
async function storeNewer(stored: QueueStore, now: number): Promise<void> {
  const record = "2:{}";
  const [reply] = await stored.enqueue(
    [{ id: "newer", isFreshId: true, runAt: now, record, leaseEndsAt: now + 60_000 }],
    now,
  );
  if (!reply?.lease) throw new Error("The job that was to die has not been leased.");
  const settle = [{ to: "dead", lease: reply.lease, at: now, record, group: "1f2e3d4c5b6a" }] as const;
  await stored.exchange({ now, settle, fire: [], retentionMs: 0 });
  await stored.changeSchedules({ put: [{ key: "newer", record, next: now + 86_400_000 }] });
}

function mapped(values: typeof tokens): HandlerOptions["auth"] {
  const { enqueue, drain, signal, read, admin } = values;
  return { enqueue: [enqueue], drain: [drain], signal: [signal], read: [read], admin: [admin] };
}
