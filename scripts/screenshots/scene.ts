import { PermanentError } from "../../src/core/job/errors.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { startRedis } from "../../test/support/redis-server.ts";
import { startRestShim } from "../../test/support/rest-shim.ts";

const MINUTE_MS = 60_000;
const START = Date.parse("2026-11-25T13:00:20Z");
const MINUTES = 66;
const HOUR_MS = 60 * MINUTE_MS;
const HOURS = 170;

/** The pages to show, and their time. */
export type Scene = Awaited<ReturnType<typeof stage>>;

/** A queue that has run for an hour by its own clock, on a real Redis, and its server. */
export async function stage() {
  const redis = await startRedis();
  const shim = await startRestShim({ redisPort: redis.port });
  const clock = { now: START };
  const random = randomNumbers();
  const store = upstashStore({ url: shim.url, token: shim.token });
  const queue = new Queue({
    name: "default",
    store,
    jobs: jobsOf(clock, random),
    clock: () => clock.now,
    random,
    logger: null,
  });
  for (let hour = HOURS; hour > 0; hour--) {
    clock.now = START - hour * HOUR_MS;
    await enqueueSome(queue, Math.round(20 + 14 * Math.sin(hour / 4) + 8 * random()));
    for (const wait of [1_500, 1.5 * MINUTE_MS, 2.5 * MINUTE_MS, 4.5 * MINUTE_MS]) {
      clock.now += wait;
      await queue.drain({ concurrency: 1, linger: 0 });
    }
  }
  for (let minute = 0; minute < MINUTES; minute++) {
    clock.now = START + minute * MINUTE_MS;
    await enqueueSome(queue, Math.round(14 + 9 * Math.sin(minute / 7) + 6 * random()));
    await queue.drain({ concurrency: 1, linger: 0 });
  }
  clock.now = START + MINUTES * MINUTE_MS;
  await enqueueSome(queue, 5);
  for (const delay of ["2m", "40m", "6h"] as const) await queue.enqueue("send_email", email(delay.length), { delay });
  await internalsOf(queue).enqueueHeld([
    ...["harbour", "bridge", "tower"].map((image) => ({
      job: "resize_image",
      payload: { image: `${image}.jpg`, width: 1_280 },
    })),
    ...[0, 1, 2].map((index) => ({ job: "send_email", payload: email(index) })),
  ]);
  for (const [index, key] of ["tenant-7", "tenant-12", "mail/api"].entries())
    await queue.enqueueMany(
      Array.from({ length: 3 + 9 * index }, (_, at) => ({
        job: "send_email",
        payload: email(at),
        flowControl: { key, concurrency: 1 + index, rate: 100, period: "1m" as const },
        delay: "10m" as const,
      })),
    );
  await queue.flowControl.pause("tenant-7");
  const others = await Promise.all(
    ["urgent", "reports", "imports"].map(async (name, index) => {
      const other = new Queue({
        name,
        store,
        jobs: jobsOf(clock, random),
        clock: () => clock.now,
        random,
        logger: null,
      });
      await enqueueSome(other, 12 * index);
      await other.drain({ maxJobs: 8, concurrency: 1 });
      return other;
    }),
  );
  await others[2]?.pause();
  clock.now += 4_000;
  const { now } = clock;
  const handler = createHandler({
    queues: [queue, ...others],
    auth: { admin: ["a-token-of-no-use"] },
    dashboard: dashboard(),
    eager: false,
  });
  return {
    now,
    fetch: (request: Request) => handler.fetch(request),
    async stop() {
      await shim.stop();
      await redis.stop();
    },
  };
}

/** A sequence that is the same each time, so that the pictures are the same, except for the ids. */
function randomNumbers(): () => number {
  let state = 7;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const names = ["ada", "grace", "edsger", "barbara", "donald"];
const email = (index: number) => ({
  to: `${names[index % names.length]}@example.com`,
  template: "welcome",
  locale: "en",
});

async function enqueueSome(queue: Queue, count: number): Promise<void> {
  const kinds = [
    (index: number) => ({ job: "send_email", payload: email(index) }),
    (index: number) => ({ job: "resize_image", payload: { image: `photo-${index}.jpg`, width: 640 } }),
    (index: number) => ({
      job: "charge_card",
      payload: { order: 4_100 + index, amount: 25 * (index + 1), currency: "EUR" },
    }),
    (index: number) => ({
      job: "sync_contact",
      payload: { contact: 90_210 + index, tenant: `tenant-${index % 9}` },
    }),
  ];
  await queue.enqueueMany(
    Array.from({ length: count }, (_, index) => (kinds[index % kinds.length] ?? email)(index) as never),
  );
}

function jobsOf(clock: { now: number }, random: () => number) {
  const take = (most: number) => {
    clock.now += Math.round(10 + random() ** 4 * most);
  };
  return [
    defineJob({
      name: "send_email",
      maxRetries: 4,
      perform(_: unknown) {
        take(400);
        if (random() < 0.03) throw new Error("The mail server responded with status 421: too many connections.");
        return { sent: true };
      },
    }),
    defineJob({
      name: "resize_image",
      perform(_: unknown) {
        take(2_000);
        return { bytes: Math.round(40_000 + random() * 90_000) };
      },
    }),
    defineJob({
      name: "charge_card",
      maxRetries: 2,
      perform(_: unknown) {
        take(900);
        if (random() < 0.006) throw new PermanentError("The card was declined: insufficient funds.");
        return { charged: true };
      },
    }),
    defineJob({
      name: "sync_contact",
      maxRetries: 1,
      backoff: { type: "fixed", base: "1m" },
      perform({ contact }: { contact: number }) {
        take(1_500);
        // The other side has had trouble for twelve minutes.
        const isDown = clock.now > START + (MINUTES - 12) * MINUTE_MS;
        if (isDown && random() < 0.5) throw new Error(`The CRM responded with status 503 to contact ${contact}.`);
        if (random() < 0.004) throw new PermanentError(`Contact ${contact} has no "email".`);
        return { synced: true };
      },
    }),
    ...recurringJobs(take),
  ];
}

function recurringJobs(take: (most: number) => void) {
  return [
    defineJob({
      name: "daily_report",
      schedule: { cron: "0 0 9 * * MON-FRI", timeZone: "Europe/Paris" },
      perform: () => take(900),
    }),
    defineJob({ name: "clean_up", schedule: { cron: "*/15 * * * *" }, perform: () => take(300) }),
    defineJob({
      name: "close_month",
      schedule: { cron: "0 6 L * *", timeZone: "America/New_York" },
      perform: () => take(300),
    }),
  ];
}
