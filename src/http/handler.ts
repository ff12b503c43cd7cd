/** Serves queues over HTTP: enqueue, read, change and drain, each behind a token. @module tidegate/http */

import type { Context, Hono } from "hono";
import { HonoBase } from "hono/hono-base";
import { routePath } from "hono/route";
import { LinearRouter } from "hono/router/linear-router";
import { withDefaults } from "../core/drain/options.ts";
import { withInner } from "../core/job/inner-options.ts";
import type { TraceContext } from "../core/job/trace-context.ts";
import { noteChange, targetOf } from "../core/observe/changes.ts";
import { internalsOf } from "../core/queue/internals.ts";
import { notFound } from "../core/shared/errors.ts";
import { requireScope, scopesOf, watcherOf } from "./auth.ts";
import { readHop, startFanOut } from "./backlog-fan-out.ts";
import { checkAddress, checkJson, readJson, readQuery } from "./contract/body.ts";
import { isFailure, methodNotAllowed, problemOf, UNKNOWN_QUEUE } from "./contract/problems.ts";
import { noBody, noQuery } from "./contract/requests.ts";
import { boundsOf } from "./deadline.ts";
import { backgroundOf, drainSoon, enqueueEagerly } from "./eager.ts";
import { type HandlerOptions, readOptions, type Settings } from "./options.ts";
import { routes } from "./routes/index.ts";
import type { Call, Route } from "./routes/route.ts";

export type { NamedToken, Scope, Tokens } from "./auth.ts";
export { type FanOutOptions, type RelayTarget, relayTo } from "./backlog-fan-out.ts";
export type { Dashboard } from "./dashboard-port.ts";
export type { EnqueueLimits } from "./enqueue-scope.ts";
export type { LimitedToken } from "./limited-token.ts";
export type { WatchLimits } from "./live/viewers.ts";
export type { HandlerOptions } from "./options.ts";
export type { QStash } from "./qstash-port.ts";

/**
 * Serves queues over HTTP. Returns a Hono app, whose `fetch` is a handler for every platform.
 *
 * ```ts
 * const auth = { enqueue: [env.TIDEGATE_ENQUEUE_TOKEN], admin: [env.TIDEGATE_ADMIN_TOKEN] };
 * const handler = createHandler({ queue, auth });
 * export default handler; // or app.route("/queue", handler) in another Hono app
 * ```
 *
 * In another app it responds to everything below its path, with 404 for unknown paths, so mount it after your own
 * routes there. Where a framework passes on the whole path, as a catch-all route does, set `basePath`.
 *
 * A request refused with a status from 400 to 499 has changed nothing. Responses are never cached. For browsers on
 * other origins, put `cors()` from `hono/cors` in front of it.
 *
 * @throws {TidegateError} `invalid_request` for an invalid option, and if `auth` holds no token.
 */
export function createHandler(options: HandlerOptions): Hono {
  const settings = readOptions(options);
  const { basePath } = settings;
  const router = new HonoBase({ router: new LinearRouter() }).basePath(basePath) as Hono;
  for (const route of routes) {
    router.on(route.method, everywhere(route.path), (context) => serve(route, context, settings));
  }
  for (const path of new Set(routes.map((route) => route.path)))
    router.on("ALL", everywhere(path), ({ req }) => otherMethod(req.method, methodsOf(path)));
  const pages = settings.dashboard?.pages ?? [];
  for (const page of pages)
    router.on(page.method, page.path, (context) =>
      orProblem(context, settings, async () => page.respond(await unread(context), settings.authenticate)),
    );
  for (const { path } of pages) router.all(path, ({ req }) => otherMethod(req.method, methodsOf(path, pages)));
  if (!settings.dashboard) router.all("/dashboard", () => problemOf(notFound(NO_DASHBOARD)));
  const { qstash } = settings;
  if (qstash) router.all(QSTASH_PATHS, (context) => serveQStash(qstash, context, settings));
  const hint = basePath === "" ? " If a framework passes on a longer path, set basePath." : "";
  router.all("*", () => problemOf(notFound(`Not found. See ${basePath}/openapi.json.${hint}`)));
  router.notFound(() => problemOf(notFound(`Not found. The handler serves what is below ${basePath}, its basePath.`)));
  return router;
}

// Keeps path parameters apart from those of the app that mounts the handler.
const OWN = "tidegate_";

function everywhere(path: string): string[] {
  const own = path.replace(/:\w+/, `:${OWN}target`);
  return [own, `/queues/:${OWN}queue${own}`];
}

const param = ({ req }: Context, name: string) => req.param(OWN + name);

/** The methods that a path supports. `/dead-letter/retry` is also the path of a job with the id "retry". */
function methodsOf(path: string, served: readonly Pick<Route, "method" | "path" | "mutates">[] = routes) {
  const matches = (pattern: string) => new RegExp(`^${pattern.replaceAll(/:\w+/g, "[^/]+")}$`).test(path);
  const methods = served
    .filter((route) => matches(route.path))
    .flatMap(({ method, mutates }) => (method === "GET" && !mutates ? ["GET", "HEAD"] : method));
  return [...new Set([...methods, "OPTIONS"])];
}

function otherMethod(method: string, allowed: readonly string[]): Response {
  if (method !== "OPTIONS") return methodNotAllowed(allowed);
  return new Response(null, { status: 204, headers: { Allow: allowed.join(", "), "Cache-Control": "no-store" } });
}

async function serve(route: Route, context: Context, settings: Settings): Promise<Response> {
  const { req } = context;
  const { drain, deadline } = settings;
  if (route.mutates && req.method === "HEAD") return methodNotAllowed(methodsOf(route.path));
  return orProblem(context, settings, async () => {
    const target = param(context, "target") ?? "";
    const name = param(context, "queue");
    const queue = name === undefined ? settings.first : settings.queues.get(name);
    const watcher = route.isWatchable ? await watcherOf(req.raw, queue, target) : undefined;
    const caller = watcher ?? (await settings.authenticate(req.raw, route.method !== "GET" || route.mutates === true));
    // Without a token, nobody learns the names of the queues.
    if ((route.scope !== "anyone" || name !== undefined) && !watcher) requireScope(caller, scopesOf(route));
    if (!queue) throw notFound(UNKNOWN_QUEUE);
    const query = readQuery(req.url, route.query ?? noQuery);
    const { body: schema = noBody, readBody = (value: unknown) => schema.read(checkJson(value), "") } = route;
    const body =
      route.method === "GET"
        ? undefined
        : readBody(await readJson(await unread(context), settings.maxBodyBytes), query);
    // A platform's cron sends GET.
    const origin = readHop(req.raw.headers) ?? (route.method === "GET" ? "cron" : "request");
    const response = await route.respond({
      queue,
      queues: name === undefined ? [...settings.queues.values()] : [queue],
      isNamed: name !== undefined,
      origin,
      trace: traceOf(req.raw.headers),
      viewers: settings.viewers,
      lastEventId: req.header("last-event-id"),
      // Only when it is read: workerd makes no signal at module scope, where the warm-up calls this.
      get signal() {
        return req.raw.signal ?? undefined;
      },
      endsAt: deadline.endsAt,
      fanOut: (report) => startFanOut(settings.fanOut, report, origin, queue.clock, settings.onError),
      onError: settings.onError,
      noteChange: (result) => listChange(route, { queue, caller, target, query, body }, result, settings.onError),
      caller,
      enqueueScope: settings.enqueueScope,
      target,
      query,
      body,
      bounds: (options = {}) => boundsOf(withDefaults(options, drain), deadline, queue.clock),
      inBackground: backgroundOf(context, settings),
    });
    // Nobody reads the body: a stream must not wait for a reader.
    if (req.method === "HEAD") await response.body?.cancel();
    return response;
  });
}

/** What needs the scope admin changes the queue. A signal is listed if its sender has a name: most come from code. */
async function listChange(
  { operation, scope }: Route,
  { queue, caller, target, query, body }: Pick<Call, "queue" | "caller" | "target" | "query" | "body">,
  result: unknown,
  onError: (error: unknown) => void,
): Promise<void> {
  const { name: by = null } = caller;
  const isListed = scope === "admin" || (scope === "signal" && by !== null);
  if (!isListed || Object(body).dryRun || Object(query).dryRun) return;
  const what = { by, operation, target: target || targetOf({ ...Object(query), ...Object(body) }) };
  // The change is made: the caller learns that, whatever becomes of its line.
  const isPiece = Object(body).cursor ? true : undefined;
  await noteChange(internalsOf(queue), what, { ...Object(body), isPiece, ...Object(result) }).catch(onError);
}

const NO_DASHBOARD =
  "The dashboard is off. Turn it on with createHandler({ dashboard: dashboard(), ... }), from tidegate/dashboard.";

async function orProblem({ req }: Context, { onError }: Settings, respond: () => Promise<Response>): Promise<Response> {
  try {
    checkAddress(req.url);
    return await respond();
  } catch (error) {
    if (isFailure(error)) onError(error);
    return problemOf(error, req.method === "GET");
  }
}

const QSTASH_PATHS = "/v2/*";

async function serveQStash(
  { interface: qstash, queue }: NonNullable<Settings["qstash"]>,
  context: Context,
  settings: Settings,
): Promise<Response> {
  // The app that mounts the handler may have put a path in front.
  const mountedAt = routePath(context).split("/").length - QSTASH_PATHS.split("/").length;
  const path = `/${new URL(context.req.url).pathname
    .split("/")
    .slice(mountedAt + 1)
    .join("/")}`;
  const call = {
    queue,
    bounds: () => boundsOf(settings.drain, settings.deadline, queue.clock),
    inBackground: backgroundOf(context, settings),
    trace: traceOf(context.req.raw.headers),
  };
  return qstash.respond(await unread(context), path, {
    queue,
    enqueue: (jobs) =>
      enqueueEagerly(
        call,
        jobs.map((job) => withInner(job, { isOwn: true })),
      ),
    drainSoon: () => drainSoon(call),
    onError: settings.onError,
  });
}

function traceOf(headers: Headers): TraceContext | undefined {
  const traceparent = headers.get("traceparent");
  return traceparent === null ? undefined : { traceparent, tracestate: headers.get("tracestate") ?? undefined };
}

/** A request with a readable body, even if a middleware of Hono has read it. */
async function unread({ req }: Context): Promise<Request> {
  const { raw } = req;
  if (!raw.bodyUsed) return raw;
  // Rejects if something else has read it, which whoever needs the body refuses.
  const body = await req.arrayBuffer().catch(() => undefined);
  return body === undefined ? raw : new Request(raw.url, { method: raw.method, headers: raw.headers, body });
}
