import { previewQuery, scheduleBody } from "../contract/requests.ts";
import { enqueueResult, nothing, preview, schedule, schedules } from "../contract/responses.ts";
import { drainSoon } from "../eager.ts";
import { orNotFound, reply, respondingRoute, route } from "./route.ts";

export const scheduleRoutes = [
  route("GET /schedules", "listSchedules", "read", {
    returns: schedules,
    refusals: ["conflict"],
    run: async ({ queue }) => ({ schedules: await queue.schedules.list() }),
  }),
  route("GET /schedules/:key", "getSchedule", "read", {
    returns: schedule,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target }) => orNotFound(queue.schedules.get(target), "No schedule has this key."),
  }),
  route("PUT /schedules/:key", "putSchedule", "admin", {
    notes: "Creates the schedule with this key, or replaces it.",
    body: scheduleBody,
    returns: schedule,
    refusals: ["invalid_payload"],
    run: ({ queue, target, body: { name, ...options } }) => queue.schedules.upsert(target, { job: name, ...options }),
  }),
  route("DELETE /schedules/:key", "removeSchedule", "admin", {
    notes: "The jobs that it has enqueued stay.",
    returns: nothing,
    refusals: ["not_found"],
    run: ({ queue, target }) => queue.schedules.remove(target),
  }),
  route("POST /schedules/:key/pause", "pauseSchedule", "admin", {
    notes: "It does not fire until you resume it.",
    returns: schedule,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target }) => queue.schedules.pause(target),
  }),
  route("POST /schedules/:key/resume", "resumeSchedule", "admin", {
    notes: "It fires next at its first occurrence from now on.",
    returns: schedule,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target }) => queue.schedules.resume(target),
  }),
  respondingRoute("POST /schedules/:key/run", "runSchedule", "admin", {
    notes: "Enqueues its job now. Its regular occurrences stay unchanged.",
    responses: { 201: enqueueResult, 200: enqueueResult },
    refusals: ["not_found", "conflict"],
    async respond(call) {
      const result = await call.queue.schedules.run(call.target);
      drainSoon(call);
      return reply(result, result.status === "duplicate" ? 200 : 201);
    },
  }),
  route("GET /schedules/:key/preview", "previewSchedule", "read", {
    notes: "Its next occurrences. Default: 5.",
    query: previewQuery,
    returns: preview,
    refusals: ["not_found", "conflict"],
    run: async ({ queue, target, query }) => ({ slots: await queue.schedules.preview(target, query.count) }),
  }),
];
