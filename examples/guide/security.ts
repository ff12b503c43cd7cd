import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import type { Queue } from "tidegate";
import { createHandler } from "tidegate/http";

export interface Env {
  readonly ENQUEUE_TOKENS: string;
  readonly DRAIN_TOKENS: string;
  readonly READ_TOKENS: string;
  readonly ADMIN_TOKENS: string;
}

// #region tokens
const tokensOf = (list: string) => list.split(",").map((token) => token.trim());

export const openDoor = (queue: Queue, env: Env) =>
  createHandler({
    queue,
    auth: {
      enqueue: tokensOf(env.ENQUEUE_TOKENS), // "old,new" while callers move from one to the other
      drain: tokensOf(env.DRAIN_TOKENS),
      read: tokensOf(env.READ_TOKENS),
      admin: tokensOf(env.ADMIN_TOKENS),
    },
  });
// #endregion

export function guarded(queue: Queue, password: string) {
  // #region guarded
  const app = new Hono();
  app.use("/queue/*", basicAuth({ username: "operator", password }));
  app.route("/queue", createHandler({ queue, auth: "none" })); // whoever comes this far may do everything
  // #endregion
  return app;
}

export const careful = (queue: Queue, token: string, report: (name: string) => void) =>
  // #region limits
  createHandler({
    queue,
    auth: { enqueue: [token] },
    maxBodyBytes: 16 * 1024,
    onError: (error) => report(error instanceof Error ? error.name : "unknown"), // its message may hold anything
  });
// #endregion
