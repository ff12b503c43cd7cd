import type { DeadSelection } from "../../core/dead-letter.ts";
import { notFound } from "../../core/errors.ts";
import { drainSoon } from "../eager.ts";
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
    async answer(call) {
      const { dryRun = false, payload, ...selection } = call.body;
      const options = payload === undefined ? { dryRun } : { dryRun, payload };
      const { retried } = await call.queue.retryFromDeadLetter(selection as DeadSelection, options);
      if (retried > 0 && !dryRun) drainSoon(call);
      return reply({ retried });
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
    async answer(call) {
      const { queue, target, body } = call;
      await queue.retryFromDeadLetter(target, body);
      const job = await queue.getJob(target);
      drainSoon(call);
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
