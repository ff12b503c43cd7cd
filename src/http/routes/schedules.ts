import { readSchedules, withRuns } from "../../core/queue/schedule-runs.ts";
import { quote } from "../../core/shared/errors.ts";
import * as requests from "../contract/requests.ts";
import { nothing } from "../contract/shape.ts";
import * as shapes from "../contract/shapes.generated.ts";
import { drainSoon } from "../eager.ts";
import { orNotFound, type Routes, reply, respondingRoute, route } from "./route.ts";

export const scheduleRoutes = {
  listSchedules: route({
    query: requests.schedulesQuery,
    returns: shapes.schedules,
    refusals: ["conflict"],
    run: async ({ queue, query }) => ({
      schedules: await (query.runs ? readSchedules(queue) : queue.schedules.list()),
    }),
  }),
  getSchedule: route({
    query: requests.schedulesQuery,
    returns: shapes.scheduleRow,
    refusals: ["not_found", "conflict"],
    async run({ queue, target, query }) {
      const found = await orNotFound(queue.schedules.get(target), `No schedule has the key ${quote(target)}.`);
      return query.runs ? ((await withRuns(queue, [found]))[0] ?? found) : found;
    },
  }),
  putSchedule: route({
    notes: "Creates the schedule with this key, or replaces it.",
    body: requests.scheduleBody,
    returns: shapes.schedule,
    refusals: ["invalid_payload"],
    run: ({ queue, target, body: { name, ...options } }) => queue.schedules.upsert(target, { job: name, ...options }),
  }),
  removeSchedule: route({
    notes: "The jobs that it has enqueued stay.",
    returns: nothing,
    refusals: ["not_found"],
    run: ({ queue, target }) => queue.schedules.remove(target),
  }),
  pauseSchedule: route({
    notes: "The schedule does not fire until you resume it.",
    returns: shapes.schedule,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target }) => queue.schedules.pause(target),
  }),
  resumeSchedule: route({
    notes: "The schedule next fires at its first occurrence from now.",
    returns: shapes.schedule,
    refusals: ["not_found", "conflict"],
    run: ({ queue, target }) => queue.schedules.resume(target),
  }),
  runSchedule: respondingRoute({
    notes: "Enqueues its job now. Its regular occurrences stay unchanged.",
    responses: { 201: shapes.enqueueResult, 200: shapes.enqueueResult },
    refusals: ["not_found", "conflict"],
    async respond(call) {
      const result = await call.queue.schedules.run(call.target);
      drainSoon(call);
      await call.noteChange();
      return reply(result, result.status === "duplicate" ? 200 : 201);
    },
  }),
  previewSchedule: route({
    notes: "Its next occurrences, by default five.",
    query: requests.previewQuery,
    returns: shapes.preview,
    refusals: ["not_found", "conflict"],
    run: async ({ queue, target, query }) => ({ occurrences: await queue.schedules.preview(target, query.count) }),
  }),
} satisfies Routes;
