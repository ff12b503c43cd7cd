import { notFound } from "../../core/shared/errors.ts";
import type { Caller } from "../../http/auth.ts";
import { requireScope } from "../../http/auth.ts";
import { isFailure } from "../../http/contract/problems.ts";
import type { QStashHost } from "../../http/qstash-port.ts";
import { errorAnswer, json } from "../api/answers.ts";
import { decoded, type InterfaceSettings, type QStashCall, withSelection } from "../api/call.ts";
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
  /** Below `/v2/`. `:name` stands for one part, "*" at the end for all that follows. */
  readonly path: string;
  readonly answer: (call: QStashCall) => Promise<Response>;
  /** Whether it needs no token. Default false. */
  readonly isOpen?: boolean;
  /** Whether ids and filters may stand in the body as well as in the query. Default false. */
  readonly isBulk?: boolean;
}

/** Stands for every method. */
const ANY = "*";

// The first that fits answers.
const routes: readonly Route[] = [
  { method: "POST", path: "publish/*", answer: publish },
  { method: "POST", path: "enqueue/:queue/*", answer: publish },
  { method: "POST", path: "trigger/*", answer: trigger },
  { method: "POST", path: "batch", answer: batch },
  { method: "GET", path: "messages/:id", answer: messages.getMessage },
  { method: "DELETE", path: "messages/:id", answer: messages.cancelMessage },
  { method: "DELETE", path: "messages", answer: messages.cancelMessages, isBulk: true },
  { method: "GET", path: "dlq", answer: dead.listDead },
  { method: "DELETE", path: "dlq", answer: dead.removeManyDead, isBulk: true },
  { method: "POST", path: "dlq/retry", answer: dead.retryManyDead, isBulk: true },
  { method: "POST", path: "dlq/retry/:id", answer: dead.retryDead },
  { method: "GET", path: "dlq/:id", answer: dead.getDead },
  { method: "DELETE", path: "dlq/:id", answer: dead.removeOneDead },
  { method: "PATCH", path: "schedules/:id/pause", answer: schedules.pauseSchedule },
  { method: "PATCH", path: "schedules/:id/resume", answer: schedules.resumeSchedule },
  { method: "POST", path: "schedules/:id/pause", answer: schedules.pauseSchedule },
  { method: "POST", path: "schedules/:id/resume", answer: schedules.resumeSchedule },
  { method: "POST", path: "schedules/*", answer: schedules.putSchedule },
  { method: "GET", path: "schedules", answer: schedules.listSchedules },
  { method: "GET", path: "schedules/:id", answer: schedules.getSchedule },
  { method: "DELETE", path: "schedules/:id", answer: schedules.removeSchedule },
  { method: "POST", path: "queues", answer: queues.upsertQueue },
  { method: "GET", path: "queues", answer: queues.listQueues },
  { method: "GET", path: "queues/:name", answer: queues.getQueue },
  { method: "DELETE", path: "queues/:name", answer: queues.removeQueue },
  { method: "POST", path: "queues/:name/pause", answer: queues.pauseQueue },
  { method: "POST", path: "queues/:name/resume", answer: queues.resumeQueue },
  { method: "POST", path: "topics/:name/endpoints", answer: groups.postEndpoints },
  { method: "DELETE", path: "topics/:name/endpoints", answer: groups.deleteEndpoints },
  { method: "GET", path: "topics", answer: groups.listGroups },
  { method: "GET", path: "topics/:name", answer: groups.getGroup },
  { method: "DELETE", path: "topics/:name", answer: groups.removeGroup },
  { method: "GET", path: "flowControl", answer: flow.listKeys },
  { method: "GET", path: "flowControl/:key", answer: flow.getKey },
  { method: "POST", path: "flowControl/:key/pause", answer: flow.pauseKey },
  { method: "POST", path: "flowControl/:key/resume", answer: flow.resumeKey },
  { method: "POST", path: "flowControl/:key/pin", answer: flow.pinKey },
  { method: "POST", path: "flowControl/:key/unpin", answer: flow.unpinKey },
  { method: "POST", path: "flowControl/:key/resetRate", answer: flow.resetRate },
  { method: "GET", path: "globalParallelism", answer: flow.getGlobalParallelism },
  // The SDK puts ids of events into paths as they are.
  { method: "POST", path: "wait/*", answer: events.wait },
  { method: "POST", path: "notify/*", answer: events.notify },
  { method: "GET", path: "waiters/*", answer: events.listWaiters },
  { method: ANY, path: "workflows/hooks/:user/:run/:event", answer: events.webhook, isOpen: true },
  { method: "GET", path: "workflows/runs/:id", answer: runs.getSteps },
  { method: "DELETE", path: "workflows/runs", answer: runs.cancelRuns, isBulk: true },
  { method: "GET", path: "workflows/events", answer: runs.listRuns },
  { method: "GET", path: "workflows/logs", answer: runs.listRuns },
  { method: "GET", path: "workflows/dlq", answer: deadRuns.listDeadRuns },
  { method: "DELETE", path: "workflows/dlq", answer: deadRuns.removeDeadRuns, isBulk: true },
  { method: "POST", path: "workflows/dlq/resume", answer: deadRuns.rerunMany("resume"), isBulk: true },
  { method: "POST", path: "workflows/dlq/restart", answer: deadRuns.rerunMany("restart"), isBulk: true },
  { method: "POST", path: "workflows/dlq/resume/:id", answer: deadRuns.rerunOne("resume") },
  { method: "POST", path: "workflows/dlq/restart/:id", answer: deadRuns.rerunOne("restart") },
  { method: "POST", path: "workflows/dlq/callback/:id", answer: deadRuns.retryCallback },
  { method: "GET", path: "workflows/dlq/:id", answer: deadRuns.getDeadRun },
  { method: "DELETE", path: "workflows/dlq/:id", answer: deadRuns.removeDeadRun },
  { method: "DELETE", path: "workflows/runs/:id", answer: runs.endOneRun },
  { method: "GET", path: "keys", answer: keys.getKeys },
  { method: "POST", path: "keys/rotate", answer: keys.rotateKeys },
  { method: "GET", path: "events", answer: listEvents },
  { method: "GET", path: "logs", answer: listEvents },
];

/** Makes the function that answers requests below `/v2`. */
export function answerer(settings: InterfaceSettings, identify: (request: Request) => Promise<Caller>) {
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
        return await found.route.answer(found.route.isBulk ? await withSelection(call) : call);
      }
      if (fitting.length === 0)
        throw notFound("Not found. See docs/guide/qstash.md for what Tidegate serves of QStash.");
      const allowed = fitting.map(({ route }) => route.method).join(", ");
      return json({ error: `This path supports ${allowed}.` }, 405, { Allow: allowed });
    } catch (error) {
      if (isFailure(error)) host.onError(error);
      return errorAnswer(error);
    }
  };
}

/** What a path gives for the parameters of a pattern; undefined if it does not fit. */
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
