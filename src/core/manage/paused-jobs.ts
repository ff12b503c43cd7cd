import type { QueueContext } from "../enqueue/context.ts";
import { nameText } from "../job/options.ts";
import { decodeRecord } from "../job/record.ts";
import { type PauseOptions, pauseOptions } from "../observe/changes.ts";
import { conflict } from "../shared/errors.ts";
import { MOST_AT_ONCE, MOST_LISTED_BYTES } from "../shared/limits.ts";
import { MOST_PAUSED, type PausedJobs } from "../store/stats.ts";
import { hasName, storedPages } from "./pages.ts";

/** A job type that is paused. */
export interface PausedJobType extends Omit<PausedJobs, "since"> {
  /** When it was paused. */
  readonly since: Date;
}

export const pausedJobType = ({ since, ...paused }: PausedJobs): PausedJobType => ({
  ...paused,
  since: new Date(since),
});

export async function pauseJobs(
  { store, clock }: QueueContext,
  name: string,
  given: PauseOptions & { readonly by: string | null },
): Promise<PausedJobType> {
  const { by, ...options } = given;
  const { reason = null } = pauseOptions.read(options);
  const now = clock();
  const paused = { name: nameText.read(name, "name"), reason, by, since: now };
  if (!(await store.setJobsPaused(name, paused)))
    throw conflict(`${MOST_PAUSED} job types are paused. Resume one, or pause the queue.`);
  return pausedJobType(paused);
}

export async function resumeJobs({ store, clock, noteDue }: QueueContext, name: string): Promise<{ resumed: boolean }> {
  const now = clock();
  const { pausedJobs } = await store.stats(now);
  const resumed = pausedJobs.some((paused) => paused.name === name);
  await store.setJobsPaused(nameText.read(name, "name"), undefined);
  const isMeant = hasName(name);
  const room = () => ({ limit: MOST_AT_ONCE, mostBytes: MOST_LISTED_BYTES, now });
  let moved = 0;
  for await (const { items } of storedPages(store, ["scheduled"], undefined, room)) {
    // At its old time each job keeps its place before later ones.
    const held = items.flatMap((job) => {
      const hold = isMeant(job) ? decodeRecord(job.record)?.held : undefined;
      return hold?.until === job.at ? { id: job.id, runAt: hold.dueAt } : [];
    });
    moved += (await store.reschedule(held, now)).filter(Boolean).length;
  }
  if (moved > 0) await noteDue(now);
  return { resumed };
}
