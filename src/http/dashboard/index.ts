/** A dashboard for your queues, served by the handler itself. @module tidegate/dashboard */

import { scheduleOptions } from "../../core/job/options.ts";
import { nextOccurrences } from "../../core/queue/schedule-runs.ts";
import { type Duration, durationMs } from "../../core/shared/duration.ts";
import { invalidRequest } from "../../core/shared/errors.ts";
import { knownOptions } from "../../core/shared/validate.ts";
import { hasBearer, requireScope } from "../auth.ts";
import { readQuery } from "../contract/body.ts";
import type { Dashboard, DashboardRoute } from "../dashboard-port.ts";
import { reply } from "../routes/route.ts";
import { pageOf } from "./document.ts";
import { csrfOf, Sessions } from "./session.ts";
import { redirect, signPages } from "./sign-in.ts";
import { type Refresh, readSnapshot, snapshotQuery, type Unchanged } from "./snapshot.ts";

export type { Dashboard } from "../dashboard-port.ts";

/** Options of the dashboard. */
export interface DashboardOptions {
  /** How long a session lasts: 1 minute to 30 days. Default "12h". */
  readonly sessionDuration?: Duration | undefined;
}

const MINUTE_MS = 60_000;
const LONGEST_SESSION_MS = 30 * 24 * 60 * MINUTE_MS;

const get = (path: string, respond: DashboardRoute["respond"]): DashboardRoute => ({ method: "GET", path, respond });

/**
 * Makes the dashboard of a handler, served at `/dashboard`.
 *
 * ```ts
 * const auth = { admin: [env.TIDEGATE_ADMIN_TOKEN], read: [env.TIDEGATE_READ_TOKEN] };
 * createHandler({ queue, auth, dashboard: dashboard() });
 * ```
 *
 * You sign in with an `admin` or a `read` token and get a signed cookie. Removing the token ends the session. If the
 * handler's `auth` is "none", nobody needs to sign in. After ten wrong tokens in a minute, an isolate responds with 429
 * to further ones. A right token always works. Only long tokens stop guessing.
 *
 * @param options how long a session lasts.
 * @throws {TidegateError} `invalid_request` for an invalid option.
 */
export function dashboard(options: DashboardOptions = {}): Dashboard {
  const { sessionDuration = "12h" } = knownOptions(options, ["sessionDuration"], "dashboard");
  const lifeMs = durationMs(sessionDuration, "sessionDuration");
  if (lifeMs < MINUTE_MS || lifeMs > LONGEST_SESSION_MS) throw invalidRequest("sessionDuration must be 1m to 30d.");
  return {
    open(served) {
      const { first, queues, tokens } = served;
      const sessions = tokens && new Sessions(tokens, lifeMs, first.clock);
      const readData = async (request: Request, mayChange: boolean): Promise<Refresh | Unchanged> => {
        const session = hasBearer(request) ? undefined : await sessions?.find(request);
        const snapshot = await readSnapshot(served, readQuery(request.url, snapshotQuery));
        if ("isUnchanged" in snapshot) return snapshot;
        return { ...snapshot, mayChange, csrf: session ? await csrfOf(session) : null };
      };
      const pages: readonly DashboardRoute[] = [
        // Relative addresses would depend on a slash at the end of the handler's own path.
        get("/", async ({ url }) => redirect(`${new URL(url).pathname.replace(/\/$/, "")}/dashboard`)),
        get("/dashboard", async () => pageOf(queues.size > 1 ? { start: "all" } : undefined)),
        get("/dashboard/data", async (request, authenticate) => {
          const caller = await authenticate(request, false);
          requireScope(caller, ["read", "admin"]);
          return reply(await readData(request, caller.scopes.has("admin")));
        }),
        get("/dashboard/occurrences", async (request, authenticate) => {
          requireScope(await authenticate(request, false), ["read", "admin"]);
          return reply({ occurrences: nextOccurrences(readQuery(request.url, scheduleOptions), first.clock()) });
        }),
        ...signPages(sessions, first.clock),
      ];
      return { sessions, pages };
    },
  };
}
