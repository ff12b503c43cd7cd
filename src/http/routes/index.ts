import type { Route } from "../route.ts";
import { deadLetterRoutes } from "./dead-letter.ts";
import { jobRoutes } from "./jobs.ts";
import { queueRoutes } from "./queue.ts";
import { scheduleRoutes } from "./schedules.ts";

/** Everything that a handler answers. */
export const routes: readonly Route[] = [...jobRoutes, ...deadLetterRoutes, ...scheduleRoutes, ...queueRoutes];
