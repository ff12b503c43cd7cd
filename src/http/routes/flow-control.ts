import { notFound } from "../../core/shared/errors.ts";
import { flowLimits, flowsQuery, flowKey as key } from "../contract/requests.ts";
import { flowControlKey, flowControlPage, nothing, paused } from "../contract/responses.ts";
import { reply, replyEmpty, route } from "./route.ts";

export const flowControlRoutes = [
  route({
    method: "GET",
    path: "/flow-control",
    operation: "listFlowControlKeys",
    notes:
      "Keys with waiting or running jobs, and those that are paused, pinned or in an open window. A page can be short although more follow.",
    scope: "read",
    query: flowsQuery,
    answers: { 200: flowControlPage },
    answer: async ({ queue, query }) => reply(await queue.flowControl.list(query)),
  }),
  route({
    method: "GET",
    path: "/flow-control/:key",
    operation: "getFlowControlKey",
    scope: "read",
    key,
    answers: { 200: flowControlKey },
    refusals: ["not_found"],
    async answer({ queue, target }) {
      const found = await queue.flowControl.get(target);
      if (!found) throw notFound("Nothing waits or runs under this key, and it is neither paused nor pinned.");
      return reply(found);
    },
  }),
  route({
    method: "PUT",
    path: "/flow-control/:key",
    operation: "setFlowControlKey",
    notes:
      "Replaces all limits of the key and pins them: enqueues no longer change them. A limit that is left out is none.",
    scope: "admin",
    key,
    body: flowLimits,
    answers: { 200: flowControlKey },
    answer: async ({ queue, target, body }) => reply(await queue.flowControl.set(target, body)),
  }),
  route({
    method: "DELETE",
    path: "/flow-control/:key",
    operation: "unsetFlowControlKey",
    notes: "Unpins the limits: they hold until the next enqueue sets others.",
    scope: "admin",
    key,
    answers: { 204: nothing },
    async answer({ queue, target }) {
      await queue.flowControl.unset(target);
      return replyEmpty();
    },
  }),
  route({
    method: "POST",
    path: "/flow-control/:key/pause",
    operation: "pauseFlowControlKey",
    notes: "No job of the key starts until you resume it.",
    scope: "admin",
    key,
    answers: { 200: paused },
    async answer({ queue, target }) {
      await queue.flowControl.pause(target);
      return reply({ paused: true });
    },
  }),
  route({
    method: "POST",
    path: "/flow-control/:key/resume",
    operation: "resumeFlowControlKey",
    scope: "admin",
    key,
    answers: { 200: paused },
    async answer({ queue, target }) {
      await queue.flowControl.resume(target);
      return reply({ paused: false });
    },
  }),
];
