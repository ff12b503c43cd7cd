import type { DrainLimits, DrainOptions } from "../../core/drain/options.ts";
import type { DrainReport } from "../../core/drain/report.ts";
import type { TraceContext } from "../../core/job/trace-context.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { type ErrorCode, notFound } from "../../core/shared/errors.ts";
import type { ObjectSchema, Schema } from "../../core/shared/schema.ts";
import type { Caller, Scope } from "../auth.ts";
import type { DrainOrigin } from "../backlog-fan-out.ts";
import { answerHeaders } from "../contract/problems.ts";
import { type Answer, nothing, type Shape } from "../contract/responses.ts";
import type { EnqueueScope } from "../enqueue-scope.ts";

/** A route: how to answer a request, and how to document it. */
export interface Route<Query = unknown, Body = unknown> {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Relative to the handler, and to `/queues/:queue`. */
  readonly path: string;
  /** Its name in generated clients, and its title in words: a verb and an object. */
  readonly operation: string;
  /** What the name leaves open. */
  readonly notes?: string;
  /** The scope that the caller's token needs. "anyone" needs no token. */
  readonly scope: Scope | "anyone";
  /** What the key in the path may be. Default: the key of a schedule. */
  readonly key?: Schema<string>;
  /** Default: no query parameters. */
  readonly query?: ObjectSchema<Query>;
  /** Default: the body is not read. */
  readonly body?: Schema<Body>;
  /** Reads the body if that depends on the query. Default: `body` does, after a check of the body as a whole. */
  readBody?(body: unknown, query: Query): Body;
  /** Whether GET does more than read. HEAD is then refused. */
  readonly mutates?: boolean;
  /** The answers of a success, by status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** The error codes beyond those that follow from the scope, the body and the path. Default: none. */
  readonly refusals?: readonly ErrorCode[];
  /** Whether it answers without a store call. */
  readonly storeless?: boolean;
  answer(call: Call<Query, Body>): Promise<Response>;
}

/** A request with all of its parts validated. */
export interface Call<Query = unknown, Body = unknown> {
  /** The queue that the path names, else the first. */
  readonly queue: Queue;
  /** Whether the path names the queue. */
  readonly isNamed: boolean;
  /** The queue that the path names, else all of them: what a drain here drains. */
  readonly queues: readonly Queue[];
  readonly caller: Caller;
  /** What the scope `enqueue` allows. */
  readonly enqueueScope: EnqueueScope;
  /** The id or key in the path. */
  readonly target: string;
  readonly query: Query;
  readonly body: Body;
  /**
   * Reads the bounds of drains. Missing options come from the handler.
   *
   * @returns a function that gives the limits of a drain that starts now: the invocation's deadline always holds.
   */
  readonly bounds: (options?: DrainOptions) => () => DrainLimits;
  /**
   * Keeps the invocation alive for work after the response. Undefined if the platform cannot, or if eager drains are
   * off.
   */
  readonly inBackground: ((work: Promise<unknown>) => void) | undefined;
  /** The caller's trace context, if it sent one. */
  readonly trace: TraceContext | undefined;
  /** Who started the drain, if this is one. */
  readonly origin: DrainOrigin;
  /** Reports a failure that the answer contains beside results. */
  readonly onError: (error: unknown) => void;
  /** Starts further invocations after a drain that left a backlog. Never rejects. */
  readonly fanOut: (report: DrainReport) => Promise<void>;
}

/** Defines a route that makes its response itself. */
export function respondingRoute<Query, Body>(line: Route<Query, Body>): Route {
  return line;
}

/** A route with one kind of success: 200 with what `answer` gives as JSON, or 204 without a body. */
type PlainRoute<Query, Body, Result> = Omit<Route<Query, Body>, "answers" | "answer"> & {
  /** The shape of what `answer` gives: the documented response cannot differ from the real one. */
  readonly returns: Shape<Result> | typeof nothing;
  answer(call: Call<Query, Body>): Promise<Result>;
};

/** Defines a route, with its types inferred. */
export function route<Query, Body, Result>({ returns, answer, ...line }: PlainRoute<Query, Body, Result>): Route {
  const made: Route<Query, Body> =
    returns === nothing
      ? { ...line, answers: { 204: nothing }, answer: (call) => answer(call).then(replyEmpty) }
      : { ...line, answers: { 200: returns }, answer: async (call) => reply(await answer(call)) };
  return made;
}

/** What was found. @throws {TidegateError} `not_found` if it is null. */
export async function orNotFound<Found>(found: Promise<Found | null>, message: string): Promise<Found> {
  const result = await found;
  if (result === null) throw notFound(message);
  return result;
}

/** A JSON answer. Times become ISO 8601 strings. */
export function reply(body: unknown, status = 200): Response {
  return replyText(JSON.stringify(body), "application/json", status);
}

export function replyText(body: string, contentType: string, status = 200): Response {
  return new Response(body, { status, headers: { "Content-Type": contentType, ...answerHeaders } });
}

function replyEmpty(): Response {
  return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
}
