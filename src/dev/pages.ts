import { HonoBase } from "hono/hono-base";
import { LinearRouter } from "hono/router/linear-router";
import type { Queue } from "../core/queue/queue.ts";
import { dashboard } from "../http/dashboard/index.ts";
import { createHandler } from "../http/handler.ts";
import type { AppQueues } from "./app-queues.ts";
import type { LocalQStash } from "./qstash.ts";
import { HOST, LOCAL_NAMES } from "./start.ts";

export interface PagesOptions {
  readonly app: AppQueues;
  /** Shown while the app has no queue yet. */
  readonly first: Queue;
  readonly qstash: LocalQStash | undefined;
  /** The app's drain route. */
  readonly drain: URL | undefined;
  readonly onError: (error: unknown) => void;
}

/**
 * Makes the handler of the dashboard. It is open to everybody on this machine, and to nobody
 * else: a page of another site can only read what it may read anyway, also if its name leads to this machine.
 */
export function pages({ app, first, qstash, drain, onError }: PagesOptions) {
  const common = { auth: "none", dashboard: dashboard(), qstash: qstash?.interface, eager: false, onError } as const;
  const instead = drain
    ? `It calls your app's drain route, ${drain.origin}${drain.pathname}, by itself.`
    : "Start it with --drain and the address of your app's drain route.";
  // Here is no code for the jobs, so that they would fail.
  const refuseDrain = () => refusal(409, `${NO_CODE} ${instead}`);
  // The handler's own router decides what a path means, however it is spelled.
  const handlerOf = (queues: readonly Queue[]) =>
    new HonoBase({ router: new LinearRouter() })
      .all("/drain", refuseDrain)
      .all("/queues/:queue/drain", refuseDrain)
      .route("/", createHandler({ ...common, queues: [...queues, ...(qstash ? [qstash.queue] : [])] }));
  let shown: readonly Queue[] = [];
  let handler = handlerOf([first]);
  return async (request: Request): Promise<Response> => {
    const { hostname, pathname } = new URL(request.url);
    if (!LOCAL_NAMES.includes(hostname)) return refusal(403, `Open it as http://${HOST} with its port.`);
    if (pathname === "/") return new Response(null, { status: 302, headers: { Location: "/dashboard" } });
    // Without Redis the handler says so itself.
    await app.find().catch(() => {});
    if (app.queues !== shown) {
      shown = app.queues;
      handler = handlerOf(shown.length > 0 ? shown : [first]);
    }
    return handler.fetch(request);
  };
}

const NO_CODE = "tidegate dev cannot run your app's jobs.";

function refusal(status: number, detail: string): Response {
  return Response.json({ status, detail }, { status });
}
