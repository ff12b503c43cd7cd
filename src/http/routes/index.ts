import { openApiOf } from "../contract/openapi.ts";
import { openApi } from "../contract/responses.ts";
import { activityRoutes } from "./activity.ts";
import { deadLetterRoutes } from "./dead-letter.ts";
import { flowControlRoutes } from "./flow-control.ts";
import { jobRoutes } from "./jobs.ts";
import { queueRoutes, signalRoutes } from "./queue.ts";
import { type Route, replyJson, respondingRoute } from "./route.ts";
import { scheduleRoutes } from "./schedules.ts";

/** The OpenAPI documents, for a named queue and for the root. Building one takes some milliseconds. */
const documents = new Map<boolean, string>();

export const routes: readonly Route[] = [
  ...jobRoutes,
  ...deadLetterRoutes,
  ...scheduleRoutes,
  ...flowControlRoutes,
  ...signalRoutes,
  ...queueRoutes,
  ...activityRoutes,
  respondingRoute("GET /openapi.json", "getDescription", "anyone", {
    responses: { 200: openApi },
    storeless: true,
    async respond({ isNamed }) {
      const document = documents.get(isNamed) ?? openApiOf(routes, isNamed);
      documents.set(isNamed, document);
      return replyJson(document);
    },
  }),
];
