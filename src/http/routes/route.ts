import type { Method, OperationName } from "../../contract/operations.ts";
import type { DrainLimits, DrainOptions } from "../../core/drain/options.ts";
import type { DrainReport } from "../../core/drain/report.ts";
import type { TraceContext } from "../../core/job/trace-context.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { type ErrorCode, notFound } from "../../core/shared/errors.ts";
import type { ObjectSchema, Schema } from "../../core/shared/schema.ts";
import type { Caller, Scope } from "../auth.ts";
import type { DrainOrigin } from "../backlog-fan-out.ts";
import { responseHeaders } from "../contract/problems.ts";
import { nothing, type ResponseBody, type Shape } from "../contract/shape.ts";
import type { EnqueueScope } from "../enqueue-scope.ts";
import type { Viewers } from "../live/viewers.ts";

export interface Route<Query = unknown, Body = unknown> {
  readonly method: Method;
  /** Relative to the handler, and to `/queues/:queue`. */
  readonly path: string;
  /** Its name in generated clients, and its title in words: a verb and an object. */
  readonly operation: OperationName;
  readonly notes?: string;
  /** The scope that the caller's token needs. "anyone": no token. */
  readonly scope: Scope | "anyone";
  /** The schema of the key in the path. Default: that of a schedule's key. */
  readonly key?: Schema<string>;
  /** Default: no query parameters. */
  readonly query?: ObjectSchema<Query>;
  /** Default: no fields. The body of a GET is not read. */
  readonly body?: Schema<Body>;
  /** Reads the body if that depends on the query. Default: `body` does, after a check of the body as a whole. */
  readBody?(body: unknown, query: Query): Body;
  /** Whether a watch token for the job in the path opens it too. */
  readonly isWatchable?: boolean;
  /** Whether GET does more than read. HEAD is then refused. */
  readonly mutates?: boolean;
  readonly responses: Readonly<Record<number, ResponseBody>>;
  /** Error codes beyond those that follow from the scope, the body and the path. Default: none. */
  readonly refusals?: readonly ErrorCode[];
  readonly storeless?: boolean;
  respond(call: Call<Query, Body>): Promise<Response>;
}

/** A request with all of its parts validated. */
export interface Call<Query = unknown, Body = unknown> {
  /** The queue that the path names, else the first. */
  readonly queue: Queue;
  readonly isNamed: boolean;
  /** The queue that the path names, else all of them: what a drain here drains. */
  readonly queues: readonly Queue[];
  readonly caller: Caller;
  readonly enqueueScope: EnqueueScope;
  /** The id or key in the path. */
  readonly target: string;
  readonly query: Query;
  readonly body: Body;
  /** The limits of a drain that starts when the result is called. The handler and the deadline bound them. */
  readonly bounds: (options?: DrainOptions) => () => DrainLimits;
  /** Keeps the invocation alive after the response. Undefined if the platform cannot, or without eager drains. */
  readonly inBackground: ((work: Promise<unknown>) => void) | undefined;
  readonly trace: TraceContext | undefined;
  readonly viewers: Viewers;
  /** What an `EventSource` that resumes has received last. */
  readonly lastEventId: string | undefined;
  /** Aborts when the caller has hung up, on platforms that say so. */
  readonly signal: AbortSignal | undefined;
  /** When the platform ends the invocation, minus a margin: ms since 1970. */
  readonly endsAt: number;
  readonly origin: DrainOrigin;
  /** Lists what the call has changed, with what counts the jobs in its result. */
  readonly noteChange: (result?: unknown) => Promise<void>;
  /** Reports a failure that the response contains beside results. */
  readonly onError: (error: unknown) => void;
  /** Starts further invocations if a drain stopped with a backlog. Never rejects. */
  readonly fanOut: (report: DrainReport) => Promise<void>;
}

/** A route without what the table of operations says. */
export type RouteOf<Query = unknown, Body = unknown> = Omit<
  Route<Query, Body>,
  "method" | "path" | "operation" | "scope"
>;

export type Routes = { readonly [Name in OperationName]?: RouteOf };

export function respondingRoute<Query, Body>(route: RouteOf<Query, Body>): RouteOf {
  return route;
}

/** A route with one kind of success: 200 with a result as JSON, or 204 without a body. */
type PlainRoute<Query, Body, Result> = Omit<RouteOf<Query, Body>, "responses" | "respond"> & {
  /** The shape of the result: the documented response cannot differ from the real one. */
  readonly returns: Shape<Result> | typeof nothing;
  run(call: Call<Query, Body>): Promise<Result>;
};

export function route<Query, Body, Result>({ returns, run, ...rest }: PlainRoute<Query, Body, Result>): RouteOf {
  const made: RouteOf<Query, Body> = {
    ...rest,
    responses: returns === nothing ? { 204: nothing } : { 200: returns },
    async respond(call) {
      const result = await run(call);
      await call.noteChange(result);
      return returns === nothing ? replyEmpty() : reply(result);
    },
  };
  return made;
}

export async function orNotFound<Found>(found: Promise<Found | null>, message: string): Promise<Found> {
  const result = await found;
  if (result === null) throw notFound(message);
  return result;
}

export function reply(body: unknown, status = 200): Response {
  return replyJson(JSON.stringify(body), status);
}

/** With a line break, so that a shell shows its prompt on a line of its own. */
export function replyJson(text: string, status = 200): Response {
  return replyText(`${text}\n`, "application/json", status);
}

export function replyText(body: BodyInit, contentType: string, status = 200): Response {
  return new Response(body, { status, headers: { "Content-Type": contentType, ...responseHeaders } });
}

export function replyEmpty(): Response {
  return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
}
