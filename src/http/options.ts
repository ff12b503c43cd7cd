import { type DrainOptions, drainLimits } from "../core/drain/options.ts";
import { checkQueue, type Queue } from "../core/queue/queue.ts";
import { invalidRequest, isTidegateError, orUndefined } from "../core/shared/errors.ts";
import { LARGEST_PAYLOAD } from "../core/shared/limits.ts";
import { checkFlag, checkFunctions, knownOptions, wholeNumber } from "../core/shared/validate.ts";
import { authenticator, readTokens, type Tokens } from "./auth.ts";
import { type FanOutOptions, readFanOut } from "./backlog-fan-out.ts";
import type { Dashboard, DashboardHost, MountedDashboard } from "./dashboard-port.ts";
import { deadlineAt } from "./deadline.ts";
import { type EnqueueLimits, readEnqueueScope } from "./enqueue-scope.ts";
import { Viewers, type WatchLimits } from "./live/viewers.ts";
import type { QStash } from "./qstash-port.ts";

/** Which queues to serve, to whom, and within which bounds. */
export interface HandlerOptions extends FanOutOptions {
  /** The queue to serve. */
  readonly queue?: Queue | undefined;
  /**
   * Several queues instead of one. Each is served under `/queues/:name/...`, and the first at the root too. A drain at
   * the root drains all of them in this order under one budget, which gives you priorities.
   */
  readonly queues?: readonly Queue[] | undefined;
  /**
   * The path below which requests arrive, such as "/api/queue" for a catch-all route there. Others get 404. Leave it
   * out where an app that mounts the handler knows the path, as `app.route` of Hono does. Default: the root.
   */
  readonly basePath?: string | undefined;
  /**
   * The accepted tokens, by scope. `enqueue`: POST /jobs, within `enqueueOptions` and `enqueueLimits`, and GET one job;
   * with `{ token, jobs }` only these jobs, and only what the token has enqueued.
   * `drain`: drain. `signal`: POST /signals/:event. `read`: read everything. `admin`: everything. "none" lets anyone
   * do everything: use it for local runs, and for handlers that something else guards. Pages of other sites can only
   * read even then, since they reach whatever your browser reaches.
   */
  readonly auth: Tokens | "none";
  /**
   * What a token with the scope `enqueue` may choose for a job. "basic": its payload, `id`, time, `expires`, `dedupe`
   * and flow control key; the definition decides the rest. "all": also `maxRetries`, `backoff`, `timeout` and the
   * limits of `flowControl`. A recurring job needs the scope `admin` in either case. Default "basic".
   */
  readonly enqueueOptions?: "basic" | "all" | undefined;
  /** Bounds of what a token with the scope `enqueue` may choose. */
  readonly enqueueLimits?: EnqueueLimits | undefined;
  /** Bounds of the streams that show a job to whoever watches it: how many at a time, and for how long. */
  readonly watchLimits?: WatchLimits | undefined;
  /**
   * The bounds of drains that the request does not set. A function is called once when the handler is created and again
   * for each request, so that bounds can follow the time that an invocation has left. Default: those of `Queue.drain`.
   */
  readonly drain?: DrainOptions | (() => DrainOptions) | undefined;
  /** Whether to start due jobs in the background right after they are enqueued. Default true. */
  readonly eager?: boolean | undefined;
  /**
   * Keeps the invocation alive until a promise settles. Default: the `waitUntil` of the platform's execution context.
   * Without either, nothing starts in the background.
   */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
  /**
   * When the platform ends the current invocation. Minus 5 s, this bounds every drain, whatever the request asks for:
   * no job starts in the last quarter of the time left, and running jobs are aborted at the end. Default: unknown.
   */
  readonly getDeadline?: (() => Date | undefined) | undefined;
  /** The largest request body, in bytes. Default: 5 MiB for the largest payload, plus 64 KiB. */
  readonly maxBodyBytes?: number | undefined;
  /** A dashboard at `/dashboard`: pass `dashboard()` from `tidegate/dashboard`. Default: none. */
  readonly dashboard?: Dashboard | undefined;
  /**
   * QStash's interface at `/v2`, for its own SDKs: pass the result of `createQStash` from `tidegate/qstash`, and add
   * its `jobs` to one of this handler's queues. It has its own tokens. Default: none.
   */
  readonly qstash?: QStash | undefined;
  /**
   * Called with errors that are not the caller's fault: the store does not respond, or code that the handler runs
   * throws. Such an error can hold anything. Default: writes its name and code, and nothing else, to `console.error`.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export type Settings = ReturnType<typeof readOptions>;

/** The names of a handler's options, for platforms that add their own. */
export const handlerOptions: readonly (keyof HandlerOptions)[] = [
  ...(["queue", "queues", "basePath", "auth", "enqueueOptions", "enqueueLimits", "watchLimits"] as const),
  ...(["drain", "eager", "waitUntil", "getDeadline", "maxBodyBytes"] as const),
  ...(["dashboard", "qstash", "onBacklog", "fanOut", "onError"] as const),
];

const DEFAULT_BODY_BYTES = LARGEST_PAYLOAD + 64 * 1024;

export function readOptions(given: HandlerOptions) {
  const options = knownOptions(given, handlerOptions, "createHandler");
  checkFunctions(options, ["waitUntil", "onError", "onBacklog", "getDeadline"]);
  const { drain = {}, eager = true, maxBodyBytes = DEFAULT_BODY_BYTES, onError = logFailure } = options;
  const bounds = typeof drain === "function" ? drain : () => drain;
  drainLimits(bounds());
  checkFlag(eager, "eager");
  const served = readQueues(options);
  const tokens = readTokens(options.auth, knownJobs([...served.queues.values()]));
  const qstash = mountQStash(options.qstash, served.queues);
  const guardedOnError = (error: unknown) => void (async () => onError(error))().catch(() => logFailure(error));
  const dashboard = mountDashboard(options.dashboard, { ...served, tokens });
  return {
    ...served,
    basePath: readBasePath(options.basePath),
    authenticate: authenticator(tokens, dashboard?.sessions),
    dashboard,
    qstash,
    enqueueScope: readEnqueueScope(options.enqueueOptions, options.enqueueLimits),
    /** The bounds of a drain that starts now. */
    get drain() {
      return bounds();
    },
    /** The deadline of an invocation that starts now. */
    get deadline() {
      return deadlineAt(options.getDeadline?.(), served.first.clock());
    },
    eager,
    waitUntil: options.waitUntil,
    maxBodyBytes: wholeNumber(maxBodyBytes, "maxBodyBytes", 1, Number.MAX_SAFE_INTEGER),
    viewers: new Viewers(options.watchLimits, guardedOnError),
    onError: guardedOnError,
    fanOut: readFanOut(options),
  };
}

/** Of others, the router or a browser makes another path, a pattern, or the path's end. */
const PLAIN_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\\?#:;*{}%\p{Cc}]+)*\/?$/u;

/** @returns the path as the router sees it. @throws {TidegateError} `invalid_request` */
export function readBasePath(basePath: unknown = "/"): string {
  const path = typeof basePath === "string" && orUndefined(() => decodeURI(basePath));
  if (path && PLAIN_PATH.test(path)) return path.replace(/\/$/, "");
  throw invalidRequest(
    'basePath must be a path of plain segments that begins with a slash, such as "/api/queue". None may be empty, . or .., or hold any of ? # : ; * { } % \\.',
  );
}

function mountDashboard(dashboard: Dashboard | undefined, served: DashboardHost): MountedDashboard | undefined {
  if (dashboard !== undefined && typeof dashboard?.open !== "function")
    throw invalidRequest("dashboard must be the result of dashboard() from tidegate/dashboard.");
  return dashboard?.open(served);
}

function mountQStash(qstash: QStash | undefined, queues: ReadonlyMap<string, Queue>) {
  if (qstash === undefined) return undefined;
  if (typeof qstash?.respond !== "function")
    throw invalidRequest("qstash must be the result of createQStash() from tidegate/qstash.");
  const isPerformedBy = ({ jobNames }: Queue) => qstash.jobs.every(({ name }) => jobNames.includes(name));
  const queue = [...queues.values()].find(isPerformedBy);
  if (!queue)
    throw invalidRequest(
      "No queue of the handler performs the jobs of qstash. Add them: new Queue({ store, jobs: [...qstash.jobs, ...others] }).",
    );
  return { interface: qstash, queue };
}

function readQueues({ queue, queues }: HandlerOptions): Pick<DashboardHost, "first" | "queues"> {
  const given = queues ?? (queue ? [queue] : []);
  const [first] = Array.isArray(given) ? given : [];
  if (!first || (queue && queues))
    throw invalidRequest("createHandler needs either queue, or queues: an array with at least one queue.");
  const named = new Map<string, Queue>();
  for (const each of given) {
    checkQueue(each);
    if (named.has(each.name)) throw invalidRequest(`Two of the handler's queues are named "${each.name}".`);
    named.set(each.name, each);
  }
  return { first, queues: named };
}

/** The names of all jobs; undefined if a queue has no definitions, and so takes any. */
function knownJobs(queues: readonly Queue[]): ReadonlySet<string> | undefined {
  const names = queues.map(({ jobNames }) => jobNames);
  return names.some(({ length }) => length === 0) ? undefined : new Set(names.flat());
}

/** Logs an error's name and code. Its message can hold private data. */
export function logFailure(error: unknown): void {
  const name = error instanceof Error ? error.name : typeof error;
  console.error(isTidegateError(error) ? `tidegate: ${name} (${error.code})` : `tidegate: ${name}`);
}
