import { firstJobs } from "../../core/manage/list.ts";
import type { DeadSelection } from "../../core/manage/selection.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { pointInTimeMs } from "../../core/shared/duration.ts";
import { notFound } from "../../core/shared/errors.ts";
import * as requests from "../contract/requests.ts";
import { nothing } from "../contract/shape.ts";
import * as shapes from "../contract/shapes.generated.ts";
import { drainSoon } from "../eager.ts";
import { orNotFound, type Routes, route } from "./route.ts";

export const deadLetterRoutes = {
  getFailures: route({
    notes: "Dead jobs, grouped by job name and error. Within a page the largest groups come first.",
    query: requests.failuresQuery,
    returns: shapes.failurePage,
    refusals: ["conflict"],
    run: ({ queue, query }) => queue.getFailures(query),
  }),
  getFailure: route({
    notes: "One group, by the minute for the last hour, with the most frequent values in its latest 100 payloads.",
    returns: shapes.failureDetails,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target }) => orNotFound(queue.getFailure(target), "No job of this group is dead any more."),
  }),
  listDeadJobs: route({
    query: requests.deadQuery,
    returns: shapes.deadJobPage,
    refusals: ["conflict"],
    run: ({ queue, query }) => queue.listDeadLetter(query),
  }),
  retryDeadJobs: route({
    notes:
      "Makes the jobs due now, or spread over a time, with all their retries and the given payload, if any. A dry run returns `before`: with it, the next call changes what was counted.",
    body: requests.retryManyBody,
    returns: shapes.retried,
    refusals: ["conflict", "invalid_payload"],
    async run(call) {
      const { dryRun = false, payload, over, ...given } = call.body;
      const { selection, ...further } = await pieceOf(call.queue, given, dryRun);
      const counts = await call.queue.retryFromDeadLetter(selection, { dryRun, payload, over });
      if (counts.retried > 0 && !dryRun) drainSoon(call);
      return { ...counts, ...further };
    },
  }),
  removeDeadJobs: route({
    body: requests.removeManyBody,
    returns: shapes.removed,
    async run({ queue, body: { dryRun = false, ...given } }) {
      const { selection, ...further } = await pieceOf(queue, given, dryRun);
      return { ...(await queue.removeFromDeadLetter(selection, { dryRun })), ...further };
    },
  }),
  retryDeadJob: route({
    notes: "Makes the job due now, with all its retries and the given payload, if any.",
    body: requests.retryBody,
    returns: shapes.job,
    refusals: ["not_found", "conflict", "invalid_payload"],
    async run(call) {
      const { queue, target, body } = call;
      await queue.retryFromDeadLetter(target, body);
      const retried = await queue.getJob(target);
      drainSoon(call);
      if (!retried) throw notFound("The job was retried, but it was gone before it could be shown.");
      return retried;
    },
  }),
  removeDeadJob: route({
    returns: nothing,
    refusals: ["not_found"],
    run: ({ queue, target }) => queue.removeFromDeadLetter(target),
  }),
} satisfies Routes;

type Paged = DeadSelection & { readonly limit?: number; readonly cursor?: string };

/**
 * The newest jobs of a selection with a limit. Pages stay in place while jobs leave them, so a cursor goes on. A count
 * says up to when it holds.
 */
async function pieceOf(queue: Queue, given: Paged, dryRun: boolean) {
  const { limit, cursor, ...rest } = { limit: undefined, cursor: undefined, ...given };
  const { before = dryRun ? new Date(queue.clock()) : undefined } = rest;
  const { name, group, since } = { name: undefined, group: undefined, since: undefined, ...rest };
  const page =
    limit === undefined ? undefined : await queue.listDeadLetter({ name, group, since, before, limit, cursor });
  const selection: DeadSelection = page ? { ids: page.jobs.map(({ id }) => id), before } : { ...rest, before };
  if (!dryRun) return { selection, cursor: page?.cursor };
  const jobs = await firstJobs(internalsOf(queue), ["dead"], selection);
  return { selection, cursor: page?.cursor, before: new Date(pointInTimeMs(before, "before")), jobs };
}
