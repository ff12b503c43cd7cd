import { internalsOf } from "../../core/queue/internals.ts";
import { notFound } from "../../core/shared/errors.ts";
import { type Caller, requireScope } from "../../http/auth.ts";
import { isFailure } from "../../http/contract/problems.ts";
import type { QStashHost } from "../../http/qstash-port.ts";
import type { QStashCall, Route, Settings } from "../api/call.ts";
import { decoded, errorResponse, json, route, withSelection } from "../api/call.ts";
import { Documents } from "../shared/documents.ts";
import { runStore } from "../workflow/run-documents.ts";
import { deadLetterRoutes } from "./dead-letter.ts";
import { deadRunRoutes } from "./dead-runs.ts";
import { flowControlRoutes } from "./flow-control.ts";
import { messageRoutes } from "./messages.ts";
import { publishRoutes } from "./publish.ts";
import { queueRoutes } from "./queues.ts";
import { runRoutes } from "./runs.ts";
import { scheduleRoutes } from "./schedules.ts";
import { urlGroupRoutes } from "./url-groups.ts";
import { workflowEventRoutes } from "./workflow-events.ts";

const keyRoutes = [
  route("GET keys", ({ settings, documents }) => settings.keys.read(documents)),
  route("POST keys/rotate", ({ settings, documents }) => settings.keys.rotate(documents)),
];

// The first match counts.
const routes: readonly Route[] = [
  ...[...publishRoutes, ...messageRoutes, ...deadLetterRoutes, ...scheduleRoutes, ...queueRoutes, ...urlGroupRoutes],
  ...[...flowControlRoutes, ...workflowEventRoutes, ...runRoutes, ...deadRunRoutes, ...keyRoutes],
];

export function responder(settings: Settings, identify: (request: Request) => Promise<Caller>) {
  return async (request: Request, path: string, host: QStashHost): Promise<Response> => {
    try {
      const parts = path.split("/").slice(2);
      const fitting = routes.flatMap((route) => {
        const match = matched(route.path, parts);
        return match ? { route, match } : [];
      });
      const found = fitting.find(({ route }) => route.method === request.method || route.method === "*");
      if (!found?.route.isOpen) requireScope(await identify(request), ["admin"]);
      if (found) {
        const { respond, isBulk } = found.route;
        const { searchParams: query } = new URL(request.url);
        const documents = new Documents(internalsOf(host.queue));
        const call = {
          ...runStore(documents, host.queue.clock()),
          ...host,
          request,
          query,
          ...found.match,
          documents,
          settings,
        };
        const result = await respond(isBulk ? await withSelection(call) : call);
        return result instanceof Response ? result : json(result ?? {});
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

/** The parts of a path that a pattern leaves open; undefined if the path does not match. */
function matched(pattern: string, path: readonly string[]): Pick<QStashCall, "target" | "parts" | "rest"> | undefined {
  const names = pattern.split("/");
  const isOpen = names.at(-1) === "*";
  const fixed = isOpen ? names.slice(0, -1) : names;
  if (isOpen ? path.length <= fixed.length : path.length !== fixed.length) return undefined;
  if (!fixed.every((name, index) => name.startsWith(":") || name === path[index])) return undefined;
  const parts = fixed.flatMap((name, index) => (name.startsWith(":") ? decoded(path[index] ?? "") : []));
  return { target: parts[0] ?? "", parts, rest: path.slice(fixed.length).join("/") };
}
