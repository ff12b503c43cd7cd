import { notFound } from "../../core/shared/errors.ts";
import { previewQuery, scheduleBody } from "../contract/requests.ts";
import { enqueueResult, nothing, schedule, schedules, slots } from "../contract/responses.ts";
import { drainSoon } from "../eager.ts";
import { reply, replyEmpty, route } from "./route.ts";

export const scheduleRoutes = [
  route({
    method: "GET",
    path: "/schedules",
    operation: "listSchedules",
    scope: "read",
    answers: { 200: schedules },
    answer: async ({ queue }) => reply({ schedules: await queue.schedules.list() }),
  }),
  route({
    method: "GET",
    path: "/schedules/:key",
    operation: "getSchedule",
    scope: "read",
    answers: { 200: schedule },
    refusals: ["not_found"],
    async answer({ queue, target }) {
      const found = await queue.schedules.get(target);
      if (!found) throw notFound("No schedule has this key.");
      return reply(found);
    },
  }),
  route({
    method: "PUT",
    path: "/schedules/:key",
    operation: "putSchedule",
    notes: "In place of the one with this key, if there is one.",
    scope: "admin",
    body: scheduleBody,
    answers: { 200: schedule },
    refusals: ["invalid_payload"],
    answer: async ({ queue, target, body: { name, ...options } }) =>
      reply(await queue.schedules.upsert(target, { job: name, ...options })),
  }),
  route({
    method: "DELETE",
    path: "/schedules/:key",
    operation: "removeSchedule",
    notes: "The jobs that it made stay.",
    scope: "admin",
    answers: { 204: nothing },
    refusals: ["not_found"],
    async answer({ queue, target }) {
      await queue.schedules.remove(target);
      return replyEmpty();
    },
  }),
  route({
    method: "POST",
    path: "/schedules/:key/pause",
    operation: "pauseSchedule",
    notes: "It fires at no slot until it is resumed.",
    scope: "admin",
    answers: { 200: schedule },
    refusals: ["not_found", "conflict"],
    answer: async ({ queue, target }) => reply(await queue.schedules.pause(target)),
  }),
  route({
    method: "POST",
    path: "/schedules/:key/resume",
    operation: "resumeSchedule",
    notes: "It goes on with its first slot from now.",
    scope: "admin",
    answers: { 200: schedule },
    refusals: ["not_found", "conflict"],
    answer: async ({ queue, target }) => reply(await queue.schedules.resume(target)),
  }),
  route({
    method: "POST",
    path: "/schedules/:key/run",
    operation: "runSchedule",
    notes: "Makes its job now, beside those of its slots.",
    scope: "admin",
    answers: { 201: enqueueResult, 200: enqueueResult },
    refusals: ["not_found", "conflict"],
    async answer(call) {
      const result = await call.queue.schedules.run(call.target);
      drainSoon(call);
      return reply(result, result.status === "duplicate" ? 200 : 201);
    },
  }),
  route({
    method: "GET",
    path: "/schedules/:key/preview",
    operation: "previewSchedule",
    notes: "Its next slots: 5, or as many as asked for.",
    scope: "read",
    query: previewQuery,
    answers: { 200: slots },
    refusals: ["not_found", "conflict"],
    answer: async ({ queue, target, query }) => reply({ slots: await queue.schedules.preview(target, query.count) }),
  }),
];
