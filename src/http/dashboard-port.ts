import type { Queue } from "../core/queue/queue.ts";
import type { Authenticate, KnownToken, SessionFinder } from "./auth.ts";

/** What a handler tells its dashboard of itself. */
export interface DashboardHost {
  readonly first: Queue;
  /** All, by name and in their order. */
  readonly queues: ReadonlyMap<string, Queue>;
  /** Undefined where everybody is let in. */
  readonly tokens: readonly KnownToken[] | undefined;
}

/** An address that a dashboard answers by itself. */
export interface DashboardRoute {
  readonly method: "GET" | "POST";
  /** Below the handler. */
  readonly path: string;
  /** What it throws becomes a problem, as with every other address. */
  answer(request: Request, authenticate: Authenticate): Promise<Response>;
}

export interface MountedDashboard {
  readonly pages: readonly DashboardRoute[];
  /** Undefined where nobody needs to sign in. */
  readonly sessions: SessionFinder | undefined;
}

/** What can be put into the option `dashboard` of a handler. A seam, so that a handler without it does not carry it along. */
export interface Dashboard {
  /** Is called once for each handler, when that is made. */
  open(served: DashboardHost): MountedDashboard;
}
