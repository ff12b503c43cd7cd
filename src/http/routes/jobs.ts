import { type BulkJob, naming } from "../../core/enqueue/bulk.ts";
import { runAtMs } from "../../core/enqueue/new-job.ts";
import type { EnqueueResult } from "../../core/job/enqueue.ts";
import type { JobInfo } from "../../core/manage/job-info.ts";
import { firstJobs, type KeyedJob, latestJobs } from "../../core/manage/list.ts";
import { findJobs } from "../../core/manage/search.ts";
import { pendingStates } from "../../core/manage/selection.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import { invalidRequest, isTidegateError, resultOrRefusal, type TidegateError } from "../../core/shared/errors.ts";
import { MOST_AT_ONCE } from "../../core/shared/limits.ts";
import type { ValueOf } from "../../core/shared/schema.ts";
import { requireScope } from "../auth.ts";
import { checkJson, readEach } from "../contract/body.ts";
import { describeProblem, isFailure } from "../contract/problems.ts";
import * as requests from "../contract/requests.ts";
import type { EachResult } from "../contract/results.ts";
import { jobEvents, nothing } from "../contract/shape.ts";
import * as shapes from "../contract/shapes.generated.ts";
import { drainSoon, enqueueEachEagerly, enqueueEagerly } from "../eager.ts";
import { admission, admitParent, shownTo } from "../enqueue-scope.ts";
import { isSeenBy, jobFor } from "../limited-token.ts";
import { streamEvents } from "../live/event-stream.ts";
import { type Call, orNotFound, type Routes, reply, respondingRoute, route } from "./route.ts";

type NewJob = ValueOf<typeof requests.newJob>;

const UNKNOWN = "No job has this id. Completed jobs are kept only for the queue's retention.";

function withoutKey({ flowKey: _, ...job }: KeyedJob): JobInfo {
  return job;
}

export const jobRoutes = {
  enqueueJob: respondingRoute({
    notes:
      "An array enqueues all of its jobs or none; with each=true, each has its own result. With children, the job runs once these have finished. With cron or every, creates a schedule, which needs the scope admin. With the scope enqueue, maxRetries, backoff, timeout and limits are refused (403), and times and payloads have bounds, unless the handler allows more.",
    query: requests.enqueueQuery,
    body: requests.enqueueBody,
    readBody: (value, { each }) =>
      each && Array.isArray(value)
        ? { kind: "each", jobs: readEach(value, requests.newJob, MOST_AT_ONCE) }
        : requests.enqueueBody.read(checkJson(value), ""),
    responses: { 201: shapes.enqueueResult, 200: shapes.duplicateOrMany },
    refusals: ["invalid_payload"],
    respond: enqueue,
  }),
  listJobs: route({
    notes:
      "With search, only jobs with a text, among about 1,000 in a call: continue while there is a cursor. With each, the nearest of each state.",
    query: requests.jobsQuery,
    returns: shapes.foundJobs,
    refusals: ["conflict"],
    async run({ queue, query }) {
      const { search, in: by = "any", each, ...listed } = query;
      if (search === undefined && query.in !== undefined)
        throw invalidRequest("in says where to search: give search too.");
      if (search !== undefined && (each ?? listed.name ?? listed.limit ?? listed.since) !== undefined)
        throw invalidRequest("With search, leave out name, limit, since and each: in says where to search.");
      if (each !== undefined && (listed.state ?? listed.cursor ?? listed.limit) !== undefined)
        throw invalidRequest("With each, leave out state, limit and cursor: it lists some jobs of every state.");
      if (each !== undefined) {
        const { jobs, isCut } = await latestJobs(internalsOf(queue), each, listed);
        return { jobs: jobs.map(withoutKey), cursor: null, isCut };
      }
      if (search === undefined) return queue.listJobs(listed);
      const found = await findJobs(internalsOf(queue), { ...listed, text: search, by });
      return { ...found, jobs: found.jobs.map(withoutKey) };
    },
  }),
  clearJobs: route({
    notes: "Removes all jobs in a state, for good. Running jobs stay. pending means scheduled and ready.",
    query: requests.clearQuery,
    returns: shapes.cleared,
    async run({ queue, query: { state, dryRun = false } }) {
      if (!dryRun) return queue.clear({ state });
      const jobs = await firstJobs(internalsOf(queue), pendingStates, { state });
      const stats = await queue.getStats();
      return { cleared: stats[state === "dead" ? "deadLetterCount" : (`${state}Count` as const)], jobs };
    },
  }),
  cancelJobs: route({
    notes:
      "Removes the waiting jobs of a selection, up to about 1,000 in a call. While there is a cursor, more may follow.",
    body: requests.cancelManyBody,
    returns: shapes.cancelledJobs,
    async run({ queue, body: { dryRun, ...body } }) {
      const { cursor, ...selection } = { cursor: undefined, ...body };
      const cancelled = await queue.cancelPending(selection, { dryRun, cursor });
      const jobs = dryRun && !cursor ? await firstJobs(internalsOf(queue), pendingStates, selection) : undefined;
      return { ...cancelled, jobs };
    },
  }),
  rescheduleJobs: route({
    notes:
      "Moves the waiting jobs of a selection to another time, up to about 1,000 in a call. While there is a cursor, more may follow: send runAt of the response with it.",
    body: requests.rescheduleManyBody,
    returns: shapes.rescheduledJobs,
    async run(call) {
      const { queue } = call;
      const { dryRun, runAt, delay, ...body } = call.body;
      const { cursor, ...selection } = { cursor: undefined, ...body };
      if ((runAt === undefined) === (delay === undefined)) throw invalidRequest("Give either runAt or delay.");
      if (delay !== undefined && cursor !== undefined)
        throw invalidRequest("With a cursor, give the previous call's runAt instead of delay.");
      const when = runAt ?? runAtMs({ delay: delay ?? 0 }, queue.clock());
      const moved = await queue.reschedulePending(selection, when, { dryRun, cursor });
      if (moved.rescheduled > 0 && !dryRun && moved.runAt.getTime() <= queue.clock()) drainSoon(call);
      const jobs = dryRun && !cursor ? await firstJobs(internalsOf(queue), pendingStates, selection) : undefined;
      return { ...moved, jobs };
    },
  }),
  getJob: route({
    notes:
      "A job with a reserved name needs the scope read. With the scope enqueue alone, errors have no message and no stack, there are no logs, and steps have no result and no error.",
    returns: shapes.job,
    refusals: ["not_found", "conflict"],
    run: async ({ queue, target, caller }) => {
      return shownTo(caller, await orNotFound(jobFor(caller.limits, queue, target), UNKNOWN));
    },
  }),
  watchJob: respondingRoute({
    notes:
      "A stream, also for a watch token: an event immediately and at each change, until the job finishes or a few minutes have passed. With Last-Event-ID only what is new, and 204 if the job has finished.",
    query: requests.eventsQuery,
    isWatchable: true,
    responses: { 200: jobEvents, 204: nothing },
    refusals: ["not_found", "conflict"],
    respond: watch,
  }),
  listChildren: route({
    notes: "The jobs that a job waits for, or has waited for, in the order they were given.",
    query: requests.childrenQuery,
    returns: shapes.jobPage,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target, query }) => queue.listChildren(target, query),
  }),
  updateJob: route({
    notes: "Changes a waiting job's run time or payload, or both.",
    body: requests.changeBody,
    returns: shapes.job,
    refusals: ["not_found", "conflict", "invalid_payload"],
    async run({ queue, target, body }) {
      if (Object.keys(body).length === 0) throw invalidRequest("Give runAt, delay or payload.");
      return queue.update(target, body);
    },
  }),
  cancelJob: route({
    notes: "Removes a waiting job, and a running one too if asked.",
    query: requests.cancelQuery,
    returns: nothing,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target, query }) => queue.cancel(target, query),
  }),
} satisfies Routes;

async function watch(call: Call): Promise<Response> {
  const { caller, queue, target } = call;
  // The readings that viewers share would tell by the time that they take whether others watch the job.
  if (caller.limits) await orNotFound(jobFor(caller.limits, queue, target), UNKNOWN);
  return streamEvents(call, (found) => {
    if (caller.watches) return found;
    return isSeenBy(caller.limits, found) ? shownTo(caller, found) : null;
  });
}

async function enqueue(call: Call<unknown, requests.EnqueueRequest>): Promise<Response> {
  const { body, caller, queue } = call;
  const admit = admission(caller, call.enqueueScope, queue.jobNames, queue.clock());
  // The job of a duplicate may be somebody else's: a limited token does not learn when it runs.
  const shown = <Result extends EnqueueResult>(result: Result): Result =>
    caller.limits && result.status === "duplicate" ? { ...result, runAt: null } : result;
  switch (body.kind) {
    case "recurring":
      return replyOne(await enqueueRecurring(call, body.job));
    case "each": {
      const results = await enqueueEach(call, body.jobs, admit);
      return reply({ jobs: results.map((result) => ("error" in result ? result : shown(result))) });
    }
    case "parent": {
      const result = await internalsOf(queue).enqueueFamily(admitParent(body.job, admit), call.trace);
      if (result.status === "enqueued") drainSoon(call);
      return replyOne(shown(result));
    }
    case "one": {
      const [result] = await enqueueEagerly(call, [admit(body.job)]);
      return replyOne(result && shown(result));
    }
    case "many": {
      const jobs = body.jobs.map((job, index) => naming(index, () => admit(job)));
      return reply({ jobs: (await enqueueEagerly(call, jobs)).map(shown) });
    }
  }
}

function replyOne(result: EnqueueResult | undefined): Response {
  return reply(result, result?.status === "enqueued" ? 201 : 200);
}

async function enqueueEach(
  call: Call,
  jobs: readonly (NewJob | TidegateError)[],
  admit: (job: NewJob) => BulkJob,
): Promise<readonly EachResult[]> {
  const admitted = jobs.map((job) => (isTidegateError(job) ? job : resultOrRefusal(() => admit(job))));
  const toStore = admitted.flatMap((job) => (isTidegateError(job) ? [] : job));
  const settled = await enqueueEachEagerly(call, toStore);
  const results = new Map(toStore.map((job, index) => [job, settled[index]]));
  const failures = settled.flatMap((result) => (result.status === "rejected" ? [result.reason] : [])).filter(isFailure);
  // A failure of many jobs is reported once.
  for (const failure of new Map(failures.map((error) => [String(error), error])).values()) call.onError(failure);
  return admitted.map((job) => {
    if (isTidegateError(job)) return { error: describeProblem(job) };
    const result = results.get(job);
    return result?.status === "fulfilled" ? result.value : { error: describeProblem(result?.reason) };
  });
}

// Needs an admin, as PUT /schedules does: the schedule stays, and replaces one with the same key.
function enqueueRecurring(call: Call, job: Extract<requests.EnqueueRequest, { kind: "recurring" }>["job"]) {
  requireScope(call.caller, ["admin"], job.every === undefined ? "cron" : "every");
  const { name, payload, ...options } = job;
  return call.queue.enqueue(name, payload, options);
}
