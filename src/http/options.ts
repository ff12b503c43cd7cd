import { type DrainOptions, drainLimits } from "../core/drain/options.ts";
import { checkQueue, type Queue } from "../core/queue/queue.ts";
import { invalidRequest, isTidegateError } from "../core/shared/errors.ts";
import { LARGEST_PAYLOAD } from "../core/shared/limits.ts";
import { checkFunctions, checkKnown, wholeNumber } from "../core/shared/validate.ts";
import { type Authenticate, authenticator, readTokens, type Tokens } from "./auth.ts";
import type { Dashboard, DashboardHost, MountedDashboard } from "./dashboard-port.ts";
import { type Deadline, deadlineAt } from "./deadline.ts";
import { type FanOutOptions, readFanOut } from "./fan-out.ts";

/** What is served, to whom, and within which bounds. */
export interface HandlerOptions extends FanOutOptions {
  /** The queue that is served. */
  readonly queue?: Queue;
  /**
   * Several queues in place of one: each is served under `/queues/:name/...`, and the first at the root as well. A drain at the
   * root drains all of them, in this order and under one budget, which is how priority is had.
   */
  readonly queues?: readonly Queue[];
  /**
   * The tokens that are taken, by scope: `enqueue` may POST /jobs (but no recurring ones) and GET one job, `drain` may drain,
   * `read` may look at everything, `admin` may do everything. "none" lets everybody do everything, which is for local runs and
   * for handlers that something else guards; pages of other sites, which reach whatever the browser does, may then only look.
   */
  readonly auth: Tokens | "none";
  /**
   * The bounds of drains, where the request does not set them. A function is asked once when the handler is made, and anew for
   * each request: so bounds can follow the time that an invocation has left. Default: those of `Queue.drain`.
   */
  readonly drain?: DrainOptions | (() => DrainOptions);
  /** Whether jobs that are due are started in the background as soon as they are enqueued. Default true. */
  readonly eager?: boolean;
  /**
   * Keeps the invocation alive until a promise has settled. Default: the `waitUntil` of the platform's execution context.
   * Without either nothing is started in the background.
   */
  readonly waitUntil?: (promise: Promise<unknown>) => void;
  /**
   * When the platform ends the invocation that answers a request. Its drains then start no job in the last quarter of the time
   * until 5 s before that, and abort there what still runs, whatever the request asks for. Default: it is not known.
   */
  readonly getDeadline?: () => Date | undefined;
  /** How many bytes a request's body may have. Default: 5 MiB for the largest payload, and 64 KiB around it. */
  readonly maxBodyBytes?: number;
  /** A dashboard at `/dashboard`: `dashboard()` of `tidegate/dashboard`. Default: none. */
  readonly dashboard?: Dashboard;
  /**
   * Told of what failed by no fault of the caller: the store not answering, and errors of the code that the handler runs,
   * which may hold anything. Default: writes their name and code to `console.error`, and nothing else.
   */
  readonly onError?: (error: unknown) => void;
}

/** Handler options, checked and complete. */
export interface Settings {
  readonly first: Queue;
  /** All, by name and in their order. */
  readonly queues: ReadonlyMap<string, Queue>;
  readonly authenticate: Authenticate;
  readonly dashboard: MountedDashboard | undefined;
  /** The bounds of drains that hold now. */
  readonly drain: DrainOptions;
  /** How long an invocation has that begins now. */
  readonly deadline: Deadline;
  readonly eager: boolean;
  readonly waitUntil: ((promise: Promise<unknown>) => void) | undefined;
  readonly maxBodyBytes: number;
  readonly onError: (error: unknown) => void;
  readonly fanOut: ReturnType<typeof readFanOut>;
}

/** The names of the options of a handler, for those that take more. */
export const handlerOptions: readonly (keyof HandlerOptions)[] = [
  ...(["queue", "queues", "auth", "drain", "eager", "waitUntil", "maxBodyBytes", "dashboard", "onError"] as const),
  ...(["onBacklog", "fanOut", "getDeadline"] as const),
];

const DEFAULT_BODY_BYTES = LARGEST_PAYLOAD + 64 * 1024;

/** Reads handler options. @throws {TidegateError} `invalid_request`; the message names the option. */
export function readOptions(options: HandlerOptions): Settings {
  checkKnown(options, handlerOptions, "createHandler");
  checkFunctions(options, ["waitUntil", "onError", "onBacklog", "getDeadline"]);
  const {
    auth,
    drain = {},
    eager = true,
    waitUntil,
    maxBodyBytes = DEFAULT_BODY_BYTES,
    onError = logFailure,
  } = options;
  const bounds = typeof drain === "function" ? drain : () => drain;
  drainLimits(bounds());
  if (typeof eager !== "boolean") throw invalidRequest("eager must be true or false.");
  const served = readQueues(options);
  const tokens = readTokens(auth);
  const dashboard = mountDashboard(options.dashboard, { ...served, tokens });
  return {
    ...served,
    authenticate: authenticator(tokens, dashboard?.sessions),
    dashboard,
    get drain() {
      return bounds();
    },
    get deadline() {
      return deadlineAt(options.getDeadline?.(), served.first.clock());
    },
    eager,
    waitUntil,
    maxBodyBytes: wholeNumber(maxBodyBytes, "maxBodyBytes", 1, Number.MAX_SAFE_INTEGER),
    onError: guarded(onError),
    fanOut: readFanOut(options),
  };
}

function mountDashboard(dashboard: Dashboard | undefined, served: DashboardHost): MountedDashboard | undefined {
  if (dashboard !== undefined && typeof dashboard?.open !== "function")
    throw invalidRequest("dashboard must be what dashboard() of tidegate/dashboard gives.");
  return dashboard?.open(served);
}

function readQueues({ queue, queues }: HandlerOptions): Pick<Settings, "first" | "queues"> {
  const given = queues ?? (queue ? [queue] : []);
  const [first] = Array.isArray(given) ? given : [];
  if (!first || (queue && queues))
    throw invalidRequest("createHandler needs either a queue, or queues: an array with at least one.");
  const named = new Map<string, Queue>();
  for (const each of given) {
    checkQueue(each);
    if (named.has(each.name)) throw invalidRequest(`Two of the handler's queues are named "${each.name}".`);
    named.set(each.name, each);
  }
  return { first, queues: named };
}

/** What a listener throws itself, or rejects with, takes no answer from a caller. */
function guarded(onError: (error: unknown) => unknown): (error: unknown) => void {
  return (error) => void (async () => onError(error))().catch(() => logFailure(error));
}

/** Writes what can be told of an error without telling what it was about. */
export function logFailure(error: unknown): void {
  const name = error instanceof Error ? error.name : typeof error;
  console.error(isTidegateError(error) ? `tidegate: ${name} (${error.code})` : `tidegate: ${name}`);
}
