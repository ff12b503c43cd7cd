import { busiestKeys } from "../../core/flow/busiest-keys.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { listQueues } from "../../core/queue/queues.ts";
import { type Measured, metricsText } from "../contract/metrics.ts";
import { figuresQuery, historyQuery, metricsQuery, queuesQuery } from "../contract/requests.ts";
import { activity, metrics, queueFigures, queueHistory, queueList } from "../contract/responses.ts";
import { replyText, respondingRoute, route } from "./route.ts";

export const activityRoutes = [
  route({
    method: "GET",
    path: "/queues",
    operation: "listQueues",
    notes:
      "Every queue of the handler, with its statistics and how many attempts ended in each minute of the last hour.",
    scope: "read",
    query: queuesQuery,
    returns: queueList,
    run: ({ queues, query }) => listQueues(queues, query.mark),
  }),
  route({
    method: "GET",
    path: "/activity",
    operation: "getActivity",
    notes: "The last hour by the minute, and how long jobs waited and ran.",
    scope: "read",
    returns: activity,
    run: async ({ queue }) => ({ ...(await queue.getActivity()), spending: queue.spending }),
  }),
  route({
    method: "GET",
    path: "/figures",
    operation: "getFigures",
    notes:
      "Metrics of each job type for the last hour and days: of the first 100 types, and of all others together. Empty with `observe: false`.",
    scope: "read",
    query: figuresQuery,
    returns: queueFigures,
    run: ({ queue, query }) => queue.getFigures(query),
  }),
  route({
    method: "GET",
    path: "/history",
    operation: "getHistory",
    notes: "The last two weeks by the hour: how many attempts ended, and how long jobs waited and ran.",
    scope: "read",
    query: historyQuery,
    returns: queueHistory,
    run: ({ queue, query }) => queue.getHistory(query),
  }),
  respondingRoute({
    method: "GET",
    path: "/metrics",
    operation: "getMetrics",
    notes:
      "In the text format of Prometheus. With `keys=true` also the busiest flow control keys, which takes a command or two for each 1,000 keys.",
    scope: "read",
    query: metricsQuery,
    responses: { 200: metrics },
    async respond({ queues, query }) {
      const measured = await Promise.all(queues.map((queue) => measure(queue, query.keys)));
      return replyText(metricsText(measured), metrics.contentType);
    },
  }),
];

/** How many keys of each queue have metrics: two time series each. */
const BUSIEST = 20;

async function measure(queue: Queue, withKeys = false): Promise<Measured> {
  const [measures, keys] = await Promise.all([
    internalsOf(queue).measure(),
    withKeys ? busiestKeys(queue.flowControl, BUSIEST) : [],
  ]);
  const busy = keys.filter(({ running, waiting }) => running + waiting > 0);
  return { ...measures, queue: queue.name, busiestKeys: busy, spending: queue.spending };
}
