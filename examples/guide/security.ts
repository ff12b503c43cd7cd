import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import type { Queue } from "tidegate";
import { createHandler } from "tidegate/http";

export interface Env {
  readonly TIDEGATE_ENQUEUE_TOKEN: string;
  readonly TIDEGATE_DRAIN_TOKEN: string;
  readonly TIDEGATE_SIGNAL_TOKEN: string;
  readonly TIDEGATE_READ_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
}

// #region tokens
const tokensOf = (list: string) => list.split(",").map((token) => token.trim());

export const openDoor = (queue: Queue, env: Env) =>
  createHandler({
    queue,
    auth: {
      enqueue: tokensOf(env.TIDEGATE_ENQUEUE_TOKEN), // "old,new" while callers move from one to the other
      drain: tokensOf(env.TIDEGATE_DRAIN_TOKEN),
      signal: tokensOf(env.TIDEGATE_SIGNAL_TOKEN),
      read: tokensOf(env.TIDEGATE_READ_TOKEN),
      admin: tokensOf(env.TIDEGATE_ADMIN_TOKEN),
    },
  });
// #endregion

export function guarded(queue: Queue, password: string) {
  // #region guarded
  const app = new Hono();
  app.use("/queue/*", basicAuth({ username: "operator", password }));
  app.route("/queue", createHandler({ queue, auth: "none" })); // anyone who gets this far can do everything
  // #endregion
  return app;
}

export const named = (queue: Queue, env: Env) =>
  // #region named
  createHandler({
    queue,
    auth: { admin: [{ token: env.TIDEGATE_ADMIN_TOKEN, name: "on-call" }], read: [env.TIDEGATE_READ_TOKEN] },
  });
// #endregion

export const narrow = (queue: Queue, token: string) =>
  // #region choices
  createHandler({
    queue,
    auth: { enqueue: [token] },
    enqueueLimits: { maxDelay: "1h", maxDedupeTtl: "10m", maxPayloadBytes: 4_096 },
  });
// #endregion

export const shared = (queue: Queue, env: Env & { readonly PAGE_TOKEN: string; readonly ACME_TOKEN: string }) =>
  // #region limited
  createHandler({
    queue,
    auth: {
      enqueue: [
        env.TIDEGATE_ENQUEUE_TOKEN, // of your own servers
        { token: env.PAGE_TOKEN, name: "page", jobs: ["send_feedback"] },
        { token: env.ACME_TOKEN, name: "acme", jobs: ["import_rows"], flowKeys: ["acme-*"] },
      ],
      admin: [env.TIDEGATE_ADMIN_TOKEN],
    },
  });
// #endregion

export const careful = (queue: Queue, token: string, report: (name: string) => void) =>
  // #region limits
  createHandler({
    queue,
    auth: { enqueue: [token] },
    maxBodyBytes: 16 * 1024,
    onError: (error) => report(error instanceof Error ? error.name : "unknown"), // its message may hold anything
  });
// #endregion
