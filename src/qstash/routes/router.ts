import { notFound } from "../../core/shared/errors.ts";
import type { Caller } from "../../http/auth.ts";
import { requireScope } from "../../http/auth.ts";
import { isFailure } from "../../http/contract/problems.ts";
import type { QStashHost } from "../../http/qstash-port.ts";
import { decoded, type InterfaceSettings, type QStashCall, withSelection } from "../api/call.ts";
import { errorResponse, json } from "../api/responses.ts";
import * as dead from "./dead-letter.ts";
import * as deadRuns from "./dead-runs.ts";
import * as flow from "./flow-control.ts";
import { listEvents } from "./logs.ts";
import * as messages from "./messages.ts";
import { batch, publish, trigger } from "./publish.ts";
import * as queues from "./queues.ts";
import * as runs from "./runs.ts";
import * as schedules from "./schedules.ts";
import * as keys from "./signing-keys.ts";
import * as groups from "./url-groups.ts";
import * as events from "./workflow-events.ts";

interface Route {
  readonly method: string;
  /** Below `/v2/`. `:name` matches one part, and a final "*" the rest of the path. */
  readonly path: string;
  readonly respond: (call: QStashCall) => Promise<Response>;
  /** Whether it needs no token. Default false. */
  readonly isOpen?: boolean;
  /** Whether the body may contain ids and filters, like the query. Default false. */
  readonly isBulk?: boolean;
}

/** Matches every method. */
const ANY = "*";

// The first match counts.
const routes: readonly Route[] = [
  { method: "POST", path: "publish/*", respond: publish },
  { method: "POST", path: "enqueue/:queue/*", respond: publish },
  { method: "POST", path: "trigger/*", respond: trigger },
  { method: "POST", path: "batch", respond: batch },
  { method: "GET", path: "messages/:id", respond: messages.getMessage },
  { method: "DELETE", path: "messages/:id", respond: messages.cancelMessage },
  { method: "DELETE", path: "messages", respond: messages.cancelMessages, isBulk: true },
  { method: "GET", path: "dlq", respond: dead.listDead },
  { method: "DELETE", path: "dlq", respond: dead.removeManyDead, isBulk: true },
  { method: "POST", path: "dlq/retry", respond: dead.retryManyDead, isBulk: true },
  { method: "POST", path: "dlq/retry/:id", respond: dead.retryDead },
  { method: "GET", path: "dlq/:id", respond: dead.getDead },
  { method: "DELETE", path: "dlq/:id", respond: dead.removeOneDead },
  { method: "PATCH", path: "schedules/:id/pause", respond: schedules.changeSchedule("pause") },
  { method: "PATCH", path: "schedules/:id/resume", respond: schedules.changeSchedule("resume") },
  { method: "POST", path: "schedules/:id/pause", respond: schedules.changeSchedule("pause") },
  { method: "POST", path: "schedules/:id/resume", respond: schedules.changeSchedule("resume") },
  { method: "POST", path: "schedules/*", respond: schedules.putSchedule },
  { method: "GET", path: "schedules", respond: schedules.listSchedules },
  { method: "GET", path: "schedules/:id", respond: schedules.getSchedule },
  { method: "DELETE", path: "schedules/:id", respond: schedules.changeSchedule("remove") },
  { method: "POST", path: "queues", respond: queues.upsertQueue },
  { method: "GET", path: "queues", respond: queues.listQueues },
  { method: "GET", path: "queues/:name", respond: queues.getQueue },
  { method: "DELETE", path: "queues/:name", respond: queues.removeQueue },
  { method: "POST", path: "queues/:name/pause", respond: queues.pauseQueue },
  { method: "POST", path: "queues/:name/resume", respond: queues.resumeQueue },
  { method: "POST", path: "topics/:name/endpoints", respond: groups.postEndpoints },
  { method: "DELETE", path: "topics/:name/endpoints", respond: groups.deleteEndpoints },
  { method: "GET", path: "topics", respond: groups.listGroups },
  { method: "GET", path: "topics/:name", respond: groups.getGroup },
  { method: "DELETE", path: "topics/:name", respond: groups.removeGroup },
  { method: "GET", path: "flowControl", respond: flow.listKeys },
  { method: "GET", path: "flowControl/:key", respond: flow.getKey },
  { method: "POST", path: "flowControl/:key/pause", respond: flow.pauseKey },
  { method: "POST", path: "flowControl/:key/resume", respond: flow.resumeKey },
  { method: "POST", path: "flowControl/:key/pin", respond: flow.pinKey },
  { method: "POST", path: "flowControl/:key/unpin", respond: flow.unpinKey },
  { method: "POST", path: "flowControl/:key/resetRate", respond: flow.resetRate },
  { method: "GET", path: "globalParallelism", respond: flow.getGlobalParallelism },
  // The SDK does not escape the ids of events.
  { method: "POST", path: "wait/*", respond: events.wait },
  { method: "POST", path: "notify/*", respond: events.notify },
  { method: "GET", path: "waiters/*", respond: events.listWaiters },
  { method: ANY, path: "workflows/hooks/:user/:run/:event", respond: events.webhook, isOpen: true },
  { method: "GET", path: "workflows/runs/:id", respond: runs.getSteps },
  { method: "DELETE", path: "workflows/runs", respond: runs.cancelRuns, isBulk: true },
  { method: "GET", path: "workflows/events", respond: runs.listRuns },
  { method: "GET", path: "workflows/logs", respond: runs.listRuns },
  { method: "GET", path: "workflows/dlq", respond: deadRuns.listDeadRuns },
  { method: "DELETE", path: "workflows/dlq", respond: deadRuns.removeDeadRuns, isBulk: true },
  { method: "POST", path: "workflows/dlq/resume", respond: deadRuns.rerunMany("resume"), isBulk: true },
  { method: "POST", path: "workflows/dlq/restart", respond: deadRuns.rerunMany("restart"), isBulk: true },
  { method: "POST", path: "workflows/dlq/resume/:id", respond: deadRuns.rerunOne("resume") },
  { method: "POST", path: "workflows/dlq/restart/:id", respond: deadRuns.rerunOne("restart") },
  { method: "POST", path: "workflows/dlq/callback/:id", respond: deadRuns.retryCallback },
  { method: "GET", path: "workflows/dlq/:id", respond: deadRuns.getDeadRun },
  { method: "DELETE", path: "workflows/dlq/:id", respond: deadRuns.removeDeadRun },
  { method: "DELETE", path: "workflows/runs/:id", respond: runs.endOneRun },
  { method: "GET", path: "keys", respond: keys.getKeys },
  { method: "POST", path: "keys/rotate", respond: keys.rotateKeys },
  { method: "GET", path: "events", respond: listEvents },
  { method: "GET", path: "logs", respond: listEvents },
];

/** Returns the function that handles requests below `/v2`. */
export function responder(settings: InterfaceSettings, identify: (request: Request) => Promise<Caller>) {
  return async (request: Request, path: string, host: QStashHost): Promise<Response> => {
    try {
      const parts = path.split("/").slice(2);
      const fitting = routes.flatMap((route) => {
        const parameters = matched(route.path, parts);
        return parameters ? { route, parameters } : [];
      });
      const found = fitting.find(({ route }) => route.method === request.method || route.method === ANY);
      if (!found?.route.isOpen) requireScope(await identify(request), ["admin"]);
      if (found) {
        const { searchParams: query } = new URL(request.url);
        const call = { request, query, parameters: found.parameters, host, settings };
        return await found.route.respond(found.route.isBulk ? await withSelection(call) : call);
      }
      if (fitting.length === 0)
        throw notFound("Not found. See docs/guide/qstash.md for what Tidegate serves of QStash.");
      const allowed = fitting.map(({ route }) => route.method).join(", ");
      return json({ error: `This path supports ${allowed}.` }, 405, { Allow: allowed });
    } catch (error) {
      if (isFailure(error)) host.onError(error);
      return errorResponse(error);
    }
  };
}

/** The parameters of a path; undefined if it does not match the pattern. */
function matched(pattern: string, parts: readonly string[]): Readonly<Record<string, string>> | undefined {
  const names = pattern.split("/");
  const isOpen = names.at(-1) === "*";
  const fixed = isOpen ? names.slice(0, -1) : names;
  if (isOpen ? parts.length <= fixed.length : parts.length !== fixed.length) return undefined;
  if (!fixed.every((name, index) => name.startsWith(":") || name === parts[index])) return undefined;
  const named = fixed.flatMap((name, index) =>
    name.startsWith(":") ? [[name.slice(1), decoded(parts[index] ?? "")] as const] : [],
  );
  return Object.fromEntries(isOpen ? [...named, ["*", parts.slice(fixed.length).join("/")] as const] : named);
}
