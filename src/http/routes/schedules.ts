import { previewQuery, scheduleBody } from "../contract/requests.ts";
import { enqueueResult, nothing, preview, schedule, schedules } from "../contract/responses.ts";
import { drainSoon } from "../eager.ts";
import { orNotFound, reply, respondingRoute, route } from "./route.ts";

export const scheduleRoutes = [
  route({
    method: "GET",
    path: "/schedules",
    operation: "listSchedules",
    scope: "read",
    returns: schedules,
    refusals: ["conflict"],
    answer: async ({ queue }) => ({ schedules: await queue.schedules.list() }),
  }),
  route({
    method: "GET",
    path: "/schedules/:key",
    operation: "getSchedule",
    scope: "read",
    returns: schedule,
    refusals: ["not_found", "conflict"],
    answer: ({ queue, target }) => orNotFound(queue.schedules.get(target), "No schedule has this key."),
  }),
  route({
    method: "PUT",
    path: "/schedules/:key",
    operation: "putSchedule",
    notes: "Creates the schedule with this key, or replaces it.",
    scope: "admin",
    body: scheduleBody,
    returns: schedule,
    refusals: ["invalid_payload"],
    answer: ({ queue, target, body: { name, ...options } }) =>
      queue.schedules.upsert(target, { job: name, ...options }),
  }),
  route({
    method: "DELETE",
    path: "/schedules/:key",
    operation: "removeSchedule",
    notes: "Jobs that it has enqueued stay.",
    scope: "admin",
    returns: nothing,
    refusals: ["not_found"],
    answer: ({ queue, target }) => queue.schedules.remove(target),
  }),
  route({
    method: "POST",
    path: "/schedules/:key/pause",
    operation: "pauseSchedule",
    notes: "It does not fire until you resume it.",
    scope: "admin",
    returns: schedule,
    refusals: ["not_found", "conflict"],
    answer: ({ queue, target }) => queue.schedules.pause(target),
  }),
  route({
    method: "POST",
    path: "/schedules/:key/resume",
    operation: "resumeSchedule",
    notes: "It fires next at its first occurrence from now on.",
    scope: "admin",
    returns: schedule,
    refusals: ["not_found", "conflict"],
    answer: ({ queue, target }) => queue.schedules.resume(target),
  }),
  respondingRoute({
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
    returns: preview,
    refusals: ["not_found", "conflict"],
    answer: async ({ queue, target, query }) => ({ slots: await queue.schedules.preview(target, query.count) }),
  }),
];
