import { busiestKeys } from "../../core/flow/busiest-keys.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { type Measured, metricsText } from "../contract/metrics.ts";
import { activity, metrics } from "../contract/responses.ts";
import { reply, replyText, route } from "./route.ts";

export const activityRoutes = [
  route({
    method: "GET",
    path: "/activity",
    operation: "getActivity",
    notes: "The last hour by the minute, and how long jobs waited and ran.",
    scope: "read",
    answers: { 200: activity },
    // The usage is what this isolate has counted.
    answer: async ({ queue }) => reply({ ...(await queue.getActivity()), spending: queue.spending }),
  }),
  route({
    method: "GET",
    path: "/metrics",
    operation: "getMetrics",
    notes: "In the text format of Prometheus.",
    scope: "read",
    answers: { 200: metrics },
    answer: async ({ queues }) => replyText(metricsText(await Promise.all(queues.map(measure))), metrics.contentType),
  }),
];

/** Of how many keys of each queue there are figures. Each makes two time series. */
const BUSIEST = 20;

async function measure(queue: Queue): Promise<Measured> {
  const [activity, keys] = await Promise.all([queue.getActivity(), busiestKeys(queue.flowControl, BUSIEST)]);
  return { ...activity, queue: queue.name, busiestKeys: keys.filter(({ running, waiting }) => running + waiting > 0) };
}
