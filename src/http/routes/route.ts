import type { DrainOptions } from "../../core/drain/options.ts";
import type { DrainReport } from "../../core/drain/report.ts";
import type { TraceContext } from "../../core/job/trace-context.ts";
import type { Queue } from "../../core/queue/queue.ts";
import type { ErrorCode } from "../../core/shared/errors.ts";
import type { Caller, Scope } from "../auth.ts";
import { answerHeaders } from "../contract/problems.ts";
import type { Answer } from "../contract/responses.ts";
import type { ObjectSchema, Schema } from "../contract/schema.ts";
import type { DrainOrigin } from "../fan-out.ts";

/** One line of the table from which requests are answered, and from which others can be told of them. */
export interface Route<Query = unknown, Body = unknown> {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the handler, and below `/queues/:queue`. */
  readonly path: string;
  /** Its name in clients that are generated, and its title in words: a verb, and what it is about. */
  readonly operation: string;
  /** What its name does not tell. */
  readonly notes?: string;
  /** What the caller's token must allow; "anyone" needs none. */
  readonly scope: Scope | "anyone";
  /** Default: no parameters. */
  readonly query?: ObjectSchema<Query>;
  /** Default: the body is not read. */
  readonly body?: Schema<Body>;
  /** Whether GET does more than look, so that HEAD is refused. */
  readonly mutates?: boolean;
  /** What it answers where it succeeds, by status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** How it may fail, beyond what follows from its scope, its body and its address. Default: in no other way. */
  readonly refusals?: readonly ErrorCode[];
  /** Whether it answers without asking the store. */
  readonly storeless?: boolean;
  answer(call: Call<Query, Body>): Promise<Response>;
}

/** A request whose parts have all been checked. */
export interface Call<Query = unknown, Body = unknown> {
  /** The queue that the address names, or the first. */
  readonly queue: Queue;
  /** Whether the address names the queue. */
  readonly isNamed: boolean;
  /** The queue that the address names, or all: what a drain here drains. */
  readonly queues: readonly Queue[];
  readonly caller: Caller;
  /** The id or key in the path. */
  readonly target: string;
  readonly query: Query;
  readonly body: Body;
  /** The bounds of a drain that begins now: those of the handler where none are given, and never beyond the invocation's end. */
  readonly bounds: (options?: DrainOptions) => DrainOptions;
  /** Keeps the invocation alive for work after the response; undefined where the platform cannot, or eager drains are off. */
  readonly inBackground: ((work: Promise<unknown>) => void) | undefined;
  /** The caller's trace, where it told one. */
  readonly trace: TraceContext | undefined;
  /** Whose drain this would be. */
  readonly origin: DrainOrigin;
  /** Starts further invocations where a drain left a backlog. Never rejects. */
  readonly fanOut: (report: DrainReport) => Promise<void>;
}

/** Writes a line of the table, with the types of its parts inferred. */
export function route<Query, Body>(line: Route<Query, Body>): Route {
  return line;
}

/** An answer in JSON; times become ISO 8601 strings. */
export function reply(body: unknown, status = 200): Response {
  return replyText(JSON.stringify(body), "application/json", status);
}

export function replyText(body: string, contentType: string, status = 200): Response {
  return new Response(body, { status, headers: { "Content-Type": contentType, ...answerHeaders } });
}

export function replyEmpty(): Response {
  return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
}
