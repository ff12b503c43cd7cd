/**
 * A route file for Vercel and Next.js that serves queues and drains them when Vercel's cron calls.
 *
 * @module tidegate/vercel
 */

import { invalidRequest, orUndefined } from "../core/shared/errors.ts";
import { knownOptions } from "../core/shared/validate.ts";
import { withToken } from "../http/auth.ts";
import { misconfigured } from "../http/contract/problems.ts";
import { createHandler, type HandlerOptions } from "../http/handler.ts";
import { handlerOptions, readBasePath } from "../http/options.ts";
import { routes } from "../http/routes/index.ts";

export { relayTo } from "../http/backlog-fan-out.ts";
export { vercelHobby, vercelPro } from "./presets.ts";

/** The options of `createHandler`, and those of a route file. */
export interface RouteOptions extends Omit<HandlerOptions, "auth"> {
  /**
   * The accepted tokens, as for `createHandler`. The environment variable CRON_SECRET, if set, is another `drain`
   * token. Default: that token alone, so that only Vercel's cron gets in.
   */
  readonly auth?: HandlerOptions["auth"] | undefined;
  /**
   * When the platform ends this invocation, as for `createHandler`. Default: Vercel's own deadline, as `getDeadline` of
   * `@vercel/functions` returns it. If Vercel gives none, only `drain` bounds a drain.
   */
  readonly getDeadline?: (() => Date | undefined) | undefined;
}

/** Responds to the requests of one method. */
export type RouteHandler = (request: Request) => Promise<Response>;

/** The exports of a route file. */
export type Route = Readonly<Record<"GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS", RouteHandler>>;

/**
 * Serves queues from a route file: in Next.js, as a Vercel function, or wherever a file exports a function for each
 * method. Vercel's cron drains them with `GET <basePath>/drain`. Name that path in `vercel.json` and set CRON_SECRET in
 * the project. Due jobs start right after the request that enqueued them.
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
 * @throws {TidegateError} `invalid_request` for an invalid option, and if neither `auth` nor CRON_SECRET holds a token.
 *   `next build` loads the file too, so set the variables there as well.
 */
export function createRoute(options: RouteOptions): Route {
  const given = knownOptions(options, handlerOptions, "createRoute");
  const depth = readBasePath(given.basePath).split("/").length;
  let built = build(given, cronSecret());
  const handle: RouteHandler = async (request) => {
    const secret = cronSecret();
    try {
      if (secret !== built.secret) built = build(given, secret);
    } catch (error) {
      return misconfigured("route", error);
    }
    return built.handler.fetch(withoutSegments(request, depth), {}, executionContext());
  };
  return { GET: handle, HEAD: handle, POST: handle, PUT: handle, PATCH: handle, DELETE: handle, OPTIONS: handle };
}

function build({ auth = {}, getDeadline = platformDeadline, ...options }: RouteOptions, secret = "") {
  const tokens = auth === "none" || !secret ? auth : withToken(auth, "drain", secret, "CRON_SECRET");
  if (tokens !== "none" && Object.values(tokens ?? {}).flat().length === 0)
    throw invalidRequest(
      "createRoute needs at least one token: set CRON_SECRET, for the build too, or give one as in auth: { admin: [token] }. " +
        'For local runs, auth: "none" lets anyone in.',
    );
  return { secret, handler: createHandler({ ...options, auth: tokens, getDeadline }) };
}

/**
 * Removes what the edge runtime of Next.js adds to the query: the path segments that a catch-all segment matches, under
 * its name, such as "?path=jobs&path=42" for `[[...path]]`. The rest stays as it is written, and so do the parameters
 * of the routes, which no catch-all segment can be named like.
 */
function withoutSegments(request: Request, depth: number): Request {
  const url = new URL(request.url);
  const segments = url.pathname
    .split("/")
    .slice(depth)
    .filter((segment) => segment !== "");
  const pairs = url.search.slice(1).split("&");
  const parsed = pairs.map((pair): readonly [string, string] => [...new URLSearchParams(pair)][0] ?? ["", ""]);
  const values = new Map<string, string[]>();
  for (const [name, value] of parsed)
    values.set(name, [...(values.get(name) ?? []), value].slice(0, segments.length + 1));
  const isAdded = (name: string) => {
    const given = ofRoutes.has(name) ? [] : (values.get(name) ?? []);
    return given.length === segments.length && given.every((value, at) => plain(value) === plain(segments[at] ?? ""));
  };
  const kept = pairs.filter((_, index) => !isAdded(parsed[index]?.[0] ?? ""));
  if (kept.length === pairs.length) return request;
  url.search = kept.join("&");
  return new Request(url, request);
}

/** What a route takes, the caller has sent. */
const ofRoutes = new Set(routes.flatMap(({ query }) => Object.keys(query?.fields ?? {})));

function plain(text: string): string {
  return orUndefined(() => decodeURIComponent(text)) ?? text;
}

function cronSecret(): string {
  const { process } = globalThis as { readonly process?: { readonly env?: Readonly<Record<string, string>> } };
  return process?.env?.["CRON_SECRET"] ?? "";
}

interface RequestContext {
  waitUntil?(promise: Promise<unknown>): void;
  readonly deadline?: string;
}

/** Reads the context itself, so that you do not need `@vercel/functions`. */
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
