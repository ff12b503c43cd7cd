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
    run: async ({ queue }) => ({ schedules: await queue.schedules.list() }),
  }),
  route({
    method: "GET",
    path: "/schedules/:key",
    operation: "getSchedule",
    scope: "read",
    returns: schedule,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target }) => orNotFound(queue.schedules.get(target), "No schedule has this key."),
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
    run: ({ queue, target, body: { name, ...options } }) => queue.schedules.upsert(target, { job: name, ...options }),
  }),
  route({
    method: "DELETE",
    path: "/schedules/:key",
    operation: "removeSchedule",
    notes: "The jobs that it has enqueued stay.",
    scope: "admin",
    returns: nothing,
    refusals: ["not_found"],
    run: ({ queue, target }) => queue.schedules.remove(target),
  }),
  route({
    method: "POST",
    path: "/schedules/:key/pause",
    operation: "pauseSchedule",
    notes: "It does not fire until you resume it.",
    scope: "admin",
    returns: schedule,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target }) => queue.schedules.pause(target),
  }),
  route({
    method: "POST",
    path: "/schedules/:key/resume",
    operation: "resumeSchedule",
    notes: "It fires next at its first occurrence from now on.",
    scope: "admin",
    returns: schedule,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target }) => queue.schedules.resume(target),
  }),
  respondingRoute({
    method: "POST",
    path: "/schedules/:key/run",
    operation: "runSchedule",
    notes: "Enqueues its job now. Its regular occurrences stay unchanged.",
    scope: "admin",
    responses: { 201: enqueueResult, 200: enqueueResult },
    refusals: ["not_found", "conflict"],
    async respond(call) {
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
    run: async ({ queue, target, query }) => ({ slots: await queue.schedules.preview(target, query.count) }),
  }),
];
