/**
 * A route file for Vercel and Next.js that serves queues and drains them when Vercel's cron calls.
 *
 * @module tidegate/vercel
 */

import { invalidRequest } from "../core/shared/errors.ts";
import { checkKnown } from "../core/shared/validate.ts";
import { withToken } from "../http/auth.ts";
import { createHandler, type HandlerOptions } from "../http/handler.ts";
import { handlerOptions } from "../http/options.ts";
import { misconfigured } from "./misconfigured.ts";

export { relayTo } from "../http/fan-out.ts";
export { vercelHobby, vercelPro } from "./presets.ts";

/** What `createHandler` takes, and what a route file adds to it. */
export interface RouteOptions extends Omit<HandlerOptions, "auth"> {
  /**
   * The tokens that are taken, as for `createHandler`. The environment variable CRON_SECRET, where it is set, is a `drain` token
   * beside them. Default: that one alone, so that nobody but Vercel's cron gets in.
   */
  readonly auth?: HandlerOptions["auth"];
  /** The path that leads to the route file, such as "/api/queue". Default: the root of the domain. */
  readonly basePath?: string;
  /**
   * When the platform ends this invocation, as for `createHandler`. Default: what Vercel says, as `getDeadline` of
   * `@vercel/functions` does; where it says nothing, only `drain` bounds.
   */
  readonly getDeadline?: () => Date | undefined;
}

/** Answers the requests of one method. */
export type RouteHandler = (request: Request) => Promise<Response>;

/** What a route file exports. */
export type Route = Readonly<Record<"GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS", RouteHandler>>;

/**
 * Serves queues from a route file: of Next.js, as a Vercel function, or wherever else a file exports a function for each method.
 * Vercel's cron drains them with `GET <basePath>/drain`, for which `vercel.json` names that path and the project has a
 * CRON_SECRET. Jobs that are due start right after the request that enqueued them.
 *
 * ```ts
 * // app/api/queue/[[...path]]/route.ts
 * export const { GET, POST, PUT, PATCH, DELETE } = createRoute({
 *   queue,
 *   basePath: "/api/queue",
 *   auth: { admin: [process.env.TIDEGATE_ADMIN_TOKEN ?? ""] },
 *   drain: vercelPro,
 * });
 * ```
 *
 * @throws {TidegateError} `invalid_request` for an option that makes no sense, and where neither `auth` nor CRON_SECRET holds a
 *   token. `next build` loads the file as well, so the variables must be set there too.
 */
export function createRoute(options: RouteOptions): Route {
  checkKnown(options, [...handlerOptions, "basePath"], "createRoute");

  const { basePath, ...served } = options;
  const path = readBasePath(basePath);
  let built = build(served, cronSecret());
  const handle: RouteHandler = async (request) => {
    const secret = cronSecret();
    try {
      if (secret !== built.secret) built = build(served, secret);
    } catch (error) {
      return misconfigured("route", error);
    }
    return built.handler.fetch(below(path, request), {}, executionContext());
  };
  return { GET: handle, HEAD: handle, POST: handle, PUT: handle, PATCH: handle, DELETE: handle, OPTIONS: handle };
}

function build({ auth = {}, getDeadline = platformDeadline, ...options }: Omit<RouteOptions, "basePath">, secret = "") {
  const tokens = auth === "none" || !secret ? auth : withToken(auth, "drain", secret, "CRON_SECRET");
  if (tokens !== "none" && Object.values(tokens ?? {}).flat().length === 0)
    throw invalidRequest(
      "createRoute needs at least one token: set CRON_SECRET, for the build too, or give one as in auth: { admin: [token] }. " +
        'Say auth: "none" to let everybody in, which is for local runs.',
    );
  return { secret, handler: createHandler({ ...options, auth: tokens, getDeadline }) };
}

function readBasePath(basePath: unknown = "/"): string {
  // As requests spell it: "/ü" comes as "/%C3%BC".
  if (typeof basePath === "string" && /^\/[^?#]*$/.test(basePath))
    return new URL(`http://localhost${basePath}`).pathname.replace(/\/+$/, "");
  throw invalidRequest('basePath must be a path that begins with a slash, such as "/api/queue".');
}

function below(basePath: string, request: Request): Request {
  const url = new URL(request.url);
  if (basePath === "" || !`${url.pathname}/`.startsWith(`${basePath}/`)) return request;
  url.pathname = url.pathname.slice(basePath.length);
  return new Request(url, request);
}

/** The process's environment, on the runtimes that have one. */
const environment = globalThis as {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
};

function cronSecret(): string {
  return environment.process?.env?.["CRON_SECRET"] ?? "";
}

interface RequestContext {
  waitUntil?(promise: Promise<unknown>): void;
  readonly deadline?: string;
}

/** What `@vercel/functions` reads, which is thus not needed. */
function requestContext(): RequestContext | undefined {
  const holder = globalThis as { readonly [key: symbol]: { get?(): RequestContext | undefined } | undefined };
  return holder[Symbol.for("@vercel/request-context")]?.get?.();
}

function platformDeadline(): Date | undefined {
  const { deadline } = requestContext() ?? {};
  const date = new Date(deadline ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function executionContext() {
  const context = requestContext();
  if (!context?.waitUntil) return undefined;
  return { waitUntil: (work: Promise<unknown>) => context.waitUntil?.(work), passThroughOnException() {}, props: {} };
}
