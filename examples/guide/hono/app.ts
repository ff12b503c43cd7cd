import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Queue } from "tidegate";
import { createHandler } from "tidegate/http";
import { sendEmail } from "../define.ts";
import { onError } from "./on-error.ts";

export function appOf(queue: Queue, token: string) {
  const app = new Hono();
  // #region route
  app.onError(onError);

  app.post("/welcome", async (context) => {
    const { id } = await queue.enqueue(sendEmail, await context.req.json());
    return context.json({ id }, 202);
  });
  // #endregion
  app.get("/teapot", () => {
    throw new HTTPException(418);
  });
  app.route("/queue", createHandler({ queue, auth: { admin: [token] } }));
  return app;
}
