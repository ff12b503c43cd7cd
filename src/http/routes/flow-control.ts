import { flowLimits, flowsQuery, flowKey as key } from "../contract/requests.ts";
import { flowControlKey, flowControlPage, nothing, paused } from "../contract/responses.ts";
import { orNotFound, route } from "./route.ts";

export const flowControlRoutes = [
  route({
    method: "GET",
    path: "/flow-control",
    operation: "listFlowControlKeys",
    notes:
      "Keys with waiting or running jobs, and those that are paused, pinned or in an open window. A page can be short although more follow.",
    scope: "read",
    query: flowsQuery,
    returns: flowControlPage,
    run: ({ queue, query }) => queue.flowControl.list(query),
  }),
  route({
    method: "GET",
    path: "/flow-control/:key",
    operation: "getFlowControlKey",
    scope: "read",
    key,
    returns: flowControlKey,
    refusals: ["not_found"],
    run: ({ queue, target }) =>
      orNotFound(
        queue.flowControl.get(target),
        "Nothing waits or runs under this key, and it is neither paused nor pinned.",
      ),
  }),
  route({
    method: "PUT",
    path: "/flow-control/:key",
    operation: "setFlowControlKey",
    notes:
      "Replaces all limits of the key and pins them: enqueues no longer change them. A limit that you leave out is removed.",
    scope: "admin",
    key,
    body: flowLimits,
    returns: flowControlKey,
    run: ({ queue, target, body }) => queue.flowControl.set(target, body),
  }),
  route({
    method: "DELETE",
    path: "/flow-control/:key",
    operation: "unsetFlowControlKey",
    notes: "Unpins the limits: they apply until the next enqueue sets others.",
    scope: "admin",
    key,
    returns: nothing,
    run: ({ queue, target }) => queue.flowControl.unset(target),
  }),
  route({
    method: "POST",
    path: "/flow-control/:key/pause",
    operation: "pauseFlowControlKey",
    notes: "No job of the key starts until you resume it.",
    scope: "admin",
    key,
    returns: paused,
    run: ({ queue, target }) => queue.flowControl.pause(target).then(() => ({ paused: true })),
  }),
  route({
    method: "POST",
    path: "/flow-control/:key/resume",
    operation: "resumeFlowControlKey",
    scope: "admin",
    key,
    returns: paused,
    run: ({ queue, target }) => queue.flowControl.resume(target).then(() => ({ paused: false })),
  }),
];
