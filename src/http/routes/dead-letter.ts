import { notFound } from "../../core/shared/errors.ts";
import { deadQuery, failuresQuery, removeManyBody, retryBody, retryManyBody } from "../contract/requests.ts";
import { deadJobPage, failurePage, job, nothing, removed, retried } from "../contract/responses.ts";
import { drainSoon } from "../eager.ts";
import { type Routes, route } from "./route.ts";

export const deadLetterRoutes = {
  getFailures: route({
    notes: "Dead jobs, grouped by job name and error. Within a page the largest groups come first.",
    query: failuresQuery,
    returns: failurePage,
    refusals: ["conflict"],
    run: ({ queue, query }) => queue.getFailures(query),
  }),
  listDeadJobs: route({
    query: deadQuery,
    returns: deadJobPage,
    refusals: ["conflict"],
    run: ({ queue, query }) => queue.listDeadLetter(query),
  }),
  retryDeadJobs: route({
    notes: "Makes the jobs due now or over a time, with all their retries and the given payload, if any.",
    body: retryManyBody,
    returns: retried,
    refusals: ["conflict", "invalid_payload"],
    async run(call) {
      const { dryRun = false, payload, over, ...selection } = call.body;
      const counts = await call.queue.retryFromDeadLetter(selection, { dryRun, payload, over });
      if (counts.retried > 0 && !dryRun) drainSoon(call);
      return counts;
    },
  }),
  removeDeadJobs: route({
    body: removeManyBody,
    returns: removed,
    run: ({ queue, body: { dryRun = false, ...selection } }) => queue.removeFromDeadLetter(selection, { dryRun }),
  }),
  retryDeadJob: route({
    notes: "Makes the job due now, with all its retries and the given payload, if any.",
    body: retryBody,
    returns: job,
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
