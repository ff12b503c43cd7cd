import process from "node:process";
import * as Sentry from "@sentry/node";
import { tracing } from "tidegate/telemetry";

Sentry.init({
  dsn: process.env.SENTRY_DSN ?? "",
  tracesSampleRate: 1, // all of them
  enableOpenTelemetrySetup: true, // by default, Sentry 11 takes no spans of OpenTelemetry
});

/** For `new Queue({ store, jobs, ...sentry })`. */
export const sentry = {
  tracing: tracing(),
  hooks: {
    onDead: ({ error, id, name }) => void Sentry.captureException(error, { tags: { job: name, id } }),
  },
};
