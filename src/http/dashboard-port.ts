import type { Queue } from "../core/queue/queue.ts";
import type { Authenticate, KnownToken, SessionFinder } from "./auth.ts";

export interface DashboardHost {
  readonly first: Queue;
  /** Every queue by its name, in order. */
  readonly queues: ReadonlyMap<string, Queue>;
  /** Undefined if `auth` is "none". */
  readonly tokens: readonly KnownToken[] | undefined;
}

export interface DashboardRoute {
  readonly method: "GET" | "POST";
  /** Relative to the handler. */
  readonly path: string;
  /** The handler turns a thrown error into a problem, as on every other path. */
  respond(request: Request, authenticate: Authenticate): Promise<Response>;
}

export interface MountedDashboard {
  readonly pages: readonly DashboardRoute[];
  /** Undefined if nobody needs to sign in. */
  readonly sessions: SessionFinder | undefined;
}

/** The value of a handler's option `dashboard`. A handler without it does not bundle the dashboard. */
export interface Dashboard {
  /** Called once for each handler, when the handler is created. @internal */
  open(served: DashboardHost): MountedDashboard;
}
