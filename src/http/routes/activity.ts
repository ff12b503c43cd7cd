import { busiestFirst } from "../../core/flow/flow-key.ts";
import { getFigures } from "../../core/manage/figures.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { listQueues } from "../../core/queue/queues.ts";
import { readUpcoming } from "../../core/queue/upcoming.ts";
import { type Measured, metricsText } from "../contract/metrics.ts";
import * as requests from "../contract/requests.ts";
import { metrics } from "../contract/shape.ts";
import * as shapes from "../contract/shapes.generated.ts";
import { type Routes, replyText, respondingRoute, route } from "./route.ts";

export const activityRoutes = {
  listQueues: route({
    notes:
      "Every queue, with its statistics and how many attempts ended in each minute of the last hour; and all of them together.",
    returns: shapes.queueList,
    run: ({ queues }) => listQueues(queues),
  }),
  getActivity: route({
    notes: "The last hour by the minute, and how long jobs waited and ran.",
    returns: shapes.activity,
    run: ({ queue }) => queue.getActivity(),
  }),
  getFigures: route({
    notes:
      "Metrics of the first 100 job types, and of all others together, by hour and day. Empty with `observe: false`. With `pending=true` also which types are paused.",
    query: requests.figuresQuery,
    returns: shapes.queueFigures,
    async run({ queue, query }) {
      const stats = query.pending ? await queue.getStats() : undefined;
      return getFigures(internalsOf(queue), query, stats?.pausedJobs);
    },
  }),
  getHistory: route({
    notes: "The last two weeks by the hour: how many attempts ended, and how long jobs waited and ran.",
    query: requests.historyQuery,
    returns: shapes.queueHistory,
    run: ({ queue, query }) => queue.getHistory(query),
  }),
  getUpcoming: route({
    notes: "What the next hour brings, by the minute. What is paused does not count.",
    returns: shapes.upcoming,
    refusals: ["conflict"],
    run: ({ queue }) => readUpcoming(queue),
  }),
  getMetrics: respondingRoute({
    notes: "In the text format of Prometheus. With `keys=true` also the busiest of the first 1,000 flow control keys.",
    query: requests.metricsQuery,
    responses: { 200: metrics },
    async respond({ queues, query }) {
      const measured = await Promise.all(queues.map((queue) => measure(queue, query.keys)));
      return replyText(metricsText(measured), metrics.contentType);
    },
  }),
} satisfies Routes;

const BUSIEST = 20;

async function measure(queue: Queue, withKeys = false): Promise<Measured> {
  const [measures, { keys }] = await Promise.all([
    internalsOf(queue).measure(),
    withKeys ? queue.flowControl.list({ limit: 1_000 }) : { keys: [] },
  ]);
  const busy = keys.filter(({ running, waiting }) => running + waiting > 0).sort(busiestFirst);
  return { ...measures, queue: queue.name, busiestKeys: busy.slice(0, BUSIEST) };
}
