import type { BulkJob } from "../../core/bulk.ts";
import { invalidRequest, notFound } from "../../core/errors.ts";
import { demand } from "../auth.ts";
import { enqueueEagerly } from "../eager.ts";
import { type Call, reply, replyEmpty, route } from "../route.ts";
import { changeBody, clearQuery, type EnqueueRequest, enqueueBody, jobsQuery } from "../wire.ts";

export const jobRoutes = [
  route({ method: "POST", path: "/jobs", scope: "enqueue", body: enqueueBody, answer: enqueue }),
  route({
    method: "GET",
    path: "/jobs",
    scope: "admin",
    query: jobsQuery,
    answer: async ({ queue, query }) => reply(await queue.listJobs(query)),
  }),
  route({
    method: "DELETE",
    path: "/jobs",
    scope: "admin",
    query: clearQuery,
    answer: async ({ queue, query }) => reply(await queue.clear(query)),
  }),
  route({
    method: "GET",
    path: "/jobs/:id",
    scope: "enqueue",
    answer: async ({ queue, target }) => {
      const job = await queue.getJob(target);
      if (!job) throw notFound("No job has this id. Completed jobs are kept for the queue's retention alone.");
      return reply(job);
    },
  }),
  route({
    method: "PATCH",
    path: "/jobs/:id",
    scope: "admin",
    body: changeBody,
    async answer({ queue, target, body }) {
      if (Object.keys(body).length === 0) throw invalidRequest("Give runAt, delay or payload: what is to change.");
      return reply(await queue.update(target, body));
    },
  }),
  route({
    method: "DELETE",
    path: "/jobs/:id",
    scope: "admin",
    async answer({ queue, target }) {
      await queue.cancel(target);
      return replyEmpty();
    },
  }),
];

async function enqueue(call: Call<unknown, EnqueueRequest>): Promise<Response> {
  const { body } = call;
  if (body.kind === "many") return reply({ jobs: await enqueueEagerly(call, body.jobs.map(toBulk)) });
  const [result] =
    body.kind === "one" ? await enqueueEagerly(call, [toBulk(body.job)]) : [await enqueueRecurring(call, body.job)];
  return reply(result, result?.status === "enqueued" ? 201 : 200);
}

// A schedule stays, and takes the place of one with its key: that is an administrator's to do, as it is at PUT /schedules.
function enqueueRecurring(call: Call, job: Extract<EnqueueRequest, { kind: "recurring" }>["job"]) {
  demand(call.caller, "admin");
  const { name, payload, ...options } = job;
  return call.queue.enqueue(name, payload, options);
}

function toBulk({ name, ...rest }: Extract<EnqueueRequest, { kind: "one" }>["job"]): BulkJob {
  return { job: name, ...rest };
}
