import type { DeadSelection } from "../../core/dead-letter.ts";
import { notFound } from "../../core/errors.ts";
import { reply, replyEmpty, route } from "../route.ts";
import { deadQuery, removeManyBody, retryBody, retryManyBody } from "../wire.ts";

export const deadLetterRoutes = [
  route({
    method: "GET",
    path: "/dead-letter",
    scope: "admin",
    query: deadQuery,
    answer: async ({ queue, query }) => reply(await queue.listDeadLetter(query)),
  }),
  route({
    method: "POST",
    path: "/dead-letter/retry",
    scope: "admin",
    body: retryManyBody,
    async answer({ queue, body: { dryRun = false, payload, ...selection } }) {
      const options = payload === undefined ? { dryRun } : { dryRun, payload };
      return reply(await queue.retryFromDeadLetter(selection as DeadSelection, options));
    },
  }),
  route({
    method: "POST",
    path: "/dead-letter/remove",
    scope: "admin",
    body: removeManyBody,
    answer: async ({ queue, body: { dryRun = false, ...selection } }) =>
      reply(await queue.removeFromDeadLetter(selection as DeadSelection, { dryRun })),
  }),
  route({
    method: "POST",
    path: "/dead-letter/:id/retry",
    scope: "admin",
    body: retryBody,
    async answer({ queue, target, body }) {
      await queue.retryFromDeadLetter(target, body);
      const job = await queue.getJob(target);
      if (!job) throw notFound("The job lives again, but it was gone before it could be shown.");
      return reply(job);
    },
  }),
  route({
    method: "DELETE",
    path: "/dead-letter/:id",
    scope: "admin",
    async answer({ queue, target }) {
      await queue.removeFromDeadLetter(target);
      return replyEmpty();
    },
  }),
];
