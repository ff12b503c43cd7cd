import { metricsText } from "../contract/metrics.ts";
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
    async answer({ queues }) {
      const activities = await Promise.all(
        queues.map(async (queue) => [queue.name, await queue.getActivity()] as const),
      );
      return replyText(metricsText(activities), metrics.contentType);
    },
  }),
];
