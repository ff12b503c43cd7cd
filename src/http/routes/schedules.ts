import { notFound } from "../../core/shared/errors.ts";
import { previewQuery, scheduleBody } from "../contract/requests.ts";
import { enqueueResult, nothing, preview, schedule, schedules } from "../contract/responses.ts";
import { drainSoon } from "../eager.ts";
import { reply, replyEmpty, route } from "./route.ts";

export const scheduleRoutes = [
  route({
    method: "GET",
    path: "/schedules",
    operation: "listSchedules",
    scope: "read",
    answers: { 200: schedules },
    refusals: ["conflict"],
    answer: async ({ queue }) => reply({ schedules: await queue.schedules.list() }),
  }),
  route({
    method: "GET",
    path: "/schedules/:key",
    operation: "getSchedule",
    scope: "read",
    answers: { 200: schedule },
    refusals: ["not_found", "conflict"],
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
    notes: "Creates the schedule with this key, or replaces it.",
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
    notes: "Jobs that it has enqueued stay.",
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
    notes: "It does not fire until you resume it.",
    scope: "admin",
    answers: { 200: schedule },
    refusals: ["not_found", "conflict"],
    answer: async ({ queue, target }) => reply(await queue.schedules.pause(target)),
  }),
  route({
    method: "POST",
    path: "/schedules/:key/resume",
    operation: "resumeSchedule",
    notes: "It fires next at its first occurrence from now on.",
    scope: "admin",
    answers: { 200: schedule },
    refusals: ["not_found", "conflict"],
    answer: async ({ queue, target }) => reply(await queue.schedules.resume(target)),
  }),
  route({
    method: "POST",
    path: "/schedules/:key/run",
    operation: "runSchedule",
    notes: "Enqueues its job now. Its regular runs stay unchanged.",
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
    notes: "Its next occurrences. Default: 5.",
    scope: "read",
    query: previewQuery,
    answers: { 200: preview },
    refusals: ["not_found", "conflict"],
    answer: async ({ queue, target, query }) => reply({ slots: await queue.schedules.preview(target, query.count) }),
  }),
];
