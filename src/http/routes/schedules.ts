import { notFound } from "../../core/errors.ts";
import { reply, replyEmpty, route } from "../route.ts";
import { previewQuery, scheduleBody } from "../wire.ts";

export const scheduleRoutes = [
  route({
    method: "GET",
    path: "/schedules",
    scope: "admin",
    answer: async ({ queue }) => reply({ schedules: await queue.schedules.list() }),
  }),
  route({
    method: "GET",
    path: "/schedules/:key",
    scope: "admin",
    async answer({ queue, target }) {
      const schedule = await queue.schedules.get(target);
      if (!schedule) throw notFound("No schedule has this key.");
      return reply(schedule);
    },
  }),
  route({
    method: "PUT",
    path: "/schedules/:key",
    scope: "admin",
    body: scheduleBody,
    answer: async ({ queue, target, body: { name, ...options } }) =>
      reply(await queue.schedules.upsert(target, { job: name, ...options })),
  }),
  route({
    method: "DELETE",
    path: "/schedules/:key",
    scope: "admin",
    async answer({ queue, target }) {
      await queue.schedules.remove(target);
      return replyEmpty();
    },
  }),
  route({
    method: "GET",
    path: "/schedules/:key/preview",
    scope: "admin",
    query: previewQuery,
    answer: async ({ queue, target, query }) => reply({ slots: await queue.schedules.preview(target, query.count) }),
  }),
];
