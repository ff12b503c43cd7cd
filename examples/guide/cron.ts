import { defineJob, type Queue } from "tidegate";

export const reports: string[] = [];

// #region declared
export const dailyReport = defineJob({
  name: "daily_report",
  schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" },
  async perform(_: undefined, job) {
    await writeReport(job.id); // daily_report@2026-03-02T08:00:00.000Z: one job per occurrence
  },
});
// #endregion

async function writeReport(id: string) {
  reports.push(id);
}

// #region every
export const syncFeed = defineJob({
  name: "sync_feed",
  schedule: { every: "90s" },
  expires: "90s", // an occurrence that no drain finds before the next one is dropped
  async perform() {
    reports.push("feed");
  },
});
// #endregion

// #region payload
export const nightlySync = defineJob({
  name: "nightly_sync",
  schedule: { cron: "30 2 * * *", timeZone: "America/New_York", missed: "skip", overlap: "skip" },
  schedulePayload: { shop: 7 },
  async perform({ shop }: { readonly shop: number }) {
    reports.push(`shop ${shop}`);
  },
});
// #endregion

export const remind = defineJob({
  name: "remind",
  async perform({ user }: { readonly user: number }) {
    reports.push(`user ${user}`);
  },
});

export async function perUser(queue: Queue, user: number, timeZone: string) {
  // #region upsert
  await queue.schedules.upsert(`remind-${user}`, {
    job: remind,
    payload: { user },
    cron: "0 18 * * MON-FRI",
    timeZone,
  });
  // #endregion
}

export async function asEnqueue(queue: Queue) {
  // #region enqueue
  await queue.enqueue(remind, { user: 7 }, { cron: "0 18 * * FRI", timeZone: "Europe/Paris", id: "friday" });
  // #endregion
}

export async function lookAt(queue: Queue) {
  // #region look
  const next = await queue.schedules.preview("daily_report", 3); // three dates
  const [first] = await queue.schedules.list(); // key, cron, zone, last and next run, sorted by key
  await queue.schedules.remove("friday"); // jobs it has created stay
  // #endregion
  return { next, first };
}
