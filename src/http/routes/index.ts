import { type OperationName, operations } from "../../contract/operations.ts";
import { openApiOf } from "../contract/openapi.ts";
import { openApi } from "../contract/shape.ts";
import { activityRoutes } from "./activity.ts";
import { deadLetterRoutes } from "./dead-letter.ts";
import { flowControlRoutes } from "./flow-control.ts";
import { jobRoutes } from "./jobs.ts";
import { queueRoutes } from "./queue.ts";
import { type Route, type RouteOf, replyJson, respondingRoute } from "./route.ts";
import { scheduleRoutes } from "./schedules.ts";

/** The OpenAPI documents, for a named queue and for the root. Building one takes some milliseconds. */
const documents = new Map<boolean, string>();

const byName = {
  ...jobRoutes,
  ...deadLetterRoutes,
  ...scheduleRoutes,
  ...flowControlRoutes,
  ...queueRoutes,
  ...activityRoutes,
  getDescription: respondingRoute({
    responses: { 200: openApi },
    storeless: true,
    async respond({ isNamed }) {
      const document = documents.get(isNamed) ?? openApiOf(routes, isNamed);
      documents.set(isNamed, document);
      return replyJson(document);
    },
  }),
} satisfies { readonly [Name in OperationName]: RouteOf };

export const routes: readonly Route[] = Object.entries(operations).map(([name, [address, scope]]) => {
  const operation = name as OperationName;
  const [method, path] = address.split(" ") as [Route["method"], string];
  return { method, path, operation, scope, ...byName[operation] };
});
