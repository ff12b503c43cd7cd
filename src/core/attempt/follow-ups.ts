import { type BulkJob, readJob } from "../enqueue/bulk.ts";
import { buildFamily, type GivenFamily, memberOf, readFamily } from "../enqueue/family.ts";
import { buildJob, checkOptions } from "../enqueue/new-job.ts";
import type { AnyJob } from "../job/define.ts";
import type { JobTrace } from "../job/trace-context.ts";
import { invalidRequest, tooLarge } from "../shared/errors.ts";
import { MOST_AT_ONCE } from "../shared/limits.ts";
import type { FollowUpJob } from "../store/store.ts";
import type { ClaimedJob } from "./claimed-job.ts";
import type { AttemptNeeds } from "./needs.ts";

/** Why `job.enqueue` lacks options of `queue.enqueue`: it returns an id before the store knows of the job. */
const refused = {
  id: "each job gets an id of its own. It is stored once, with the outcome, so it needs no idempotency key",
  dedupe: "whether another job holds the key is known only when the outcome is stored",
  cron: "it makes single jobs. Use queue.schedules.upsert for a recurring one",
  every: "it makes single jobs. Use queue.schedules.upsert for a recurring one",
} as const;

function hasChildren(options: object): options is Pick<GivenFamily, "children"> {
  return "children" in options && options.children !== undefined;
}

/** The jobs that `perform` enqueues through its attempt. They are stored with the outcome, or not at all. */
export function enqueuedJobs(needs: AttemptNeeds, by: ClaimedJob, trace: JobTrace | undefined) {
  const jobs: FollowUpJob[] = [];
  /** The checks of payloads whose schemas are asynchronous. */
  const checks: Promise<unknown>[] = [];

  const checkCount = (count: number): void => {
    if (jobs.length + count <= MOST_AT_ONCE) return;
    const more = count === 1 ? "queue.enqueueMany" : "queue.enqueue";
    throw invalidRequest(
      `An attempt can enqueue ${MOST_AT_ONCE} jobs${count === 1 ? "" : ", all children included"}. Use ${more} for more.`,
    );
  };

  const familyOf = (given: GivenFamily) => {
    const family = readFamily(given, needs);
    checkCount(family.length);
    return buildFamily(family, trace);
  };

  const single = (item: BulkJob): ReturnType<typeof familyOf> => {
    checkCount(1);
    const { draft, refusal } = readJob(item, needs);
    if (!draft) throw refusal;
    const { finished, fits } = buildJob(draft, trace);
    return { members: [memberOf(finished)], fits };
  };

  return {
    /** Adds a job, and returns its id. @throws as `queue.enqueue`, but for an asynchronous schema: see `checked`. */
    add(job: AnyJob | string, payload: unknown, options: object): string {
      checkOptions(options);
      for (const [name, reason] of Object.entries(refused))
        if ((options as Record<string, unknown>)[name] !== undefined)
          throw invalidRequest(`job.enqueue takes no ${name}: ${reason}.`);
      const item = { ...options, job, payload };
      const { members, fits } = hasChildren(item) ? familyOf(item) : single(item);
      if (!by.takeRoom(members.map(({ record }) => record)))
        throw tooLarge(
          "The jobs that the attempt enqueues and its own job are larger than 8 MiB together, as they are sent. Store the data elsewhere and enqueue a reference to it, or use queue.enqueue.",
        );
      jobs.push(...members);
      if (fits) {
        // The attempt may fail for another reason first, and then nobody waits for the check.
        fits.catch(() => {});
        checks.push(fits);
      }
      return members[0].id;
    },
    /** Returns the jobs once all payloads are checked. @throws {InvalidPayloadError} if one does not fit its schema. */
    async checked(): Promise<readonly FollowUpJob[]> {
      await Promise.all(checks);
      return jobs;
    },
  };
}
