import * as requests from "../contract/requests.ts";
import { nothing } from "../contract/shape.ts";
import * as shapes from "../contract/shapes.generated.ts";
import { orNotFound, type Routes, route } from "./route.ts";

export const flowControlRoutes = {
  listFlowControlKeys: route({
    notes:
      "Keys with waiting or running jobs, and those that are paused, pinned or in an open window. A page can be short even if more follow.",
    query: requests.flowsQuery,
    returns: shapes.flowControlPage,
    run: ({ queue, query }) => queue.flowControl.list(query),
  }),
  getFlowControlKey: route({
    key: requests.flowKey,
    returns: shapes.flowControlKey,
    refusals: ["not_found"],
    run: ({ queue, target }) =>
      orNotFound(
        queue.flowControl.get(target),
        "Nothing waits or runs under this key, and it is neither paused nor pinned.",
      ),
  }),
  setFlowControlKey: route({
    notes:
      "Replaces all of the key's limits and pins them: enqueues no longer change them. A limit that you leave out is removed.",
    key: requests.flowKey,
    body: requests.flowLimits,
    returns: shapes.flowControlKey,
    run: ({ queue, target, body }) => queue.flowControl.set(target, body),
  }),
  unsetFlowControlKey: route({
    notes: "Unpins the limits: they apply until the next enqueue sets others.",
    key: requests.flowKey,
    returns: nothing,
    run: ({ queue, target }) => queue.flowControl.unset(target),
  }),
  pauseFlowControlKey: route({
    notes: "None of the key's jobs start until you resume it.",
    key: requests.flowKey,
    returns: shapes.paused,
    body: requests.pauseBody,
    run: ({ queue, target }) => queue.flowControl.pause(target).then(() => ({ paused: true })),
  }),
  resumeFlowControlKey: route({
    key: requests.flowKey,
    returns: shapes.resumed,
    run: ({ queue, target }) => queue.flowControl.resume(target),
  }),
} satisfies Routes;
