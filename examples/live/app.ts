// The server of the page: it enqueues an import, and gives the page a token that shows this import and nothing else.
import { Hono } from "hono";
import type { Queue } from "tidegate";
import { createHandler } from "tidegate/http";
import { importCsv } from "./queue.ts";

// #region app
export function createApp(queue: Queue, adminToken: string) {
  const app = new Hono();
  app.post("/imports", async ({ req, json }) => {
    const rows = (await req.text()).split("\n").filter((row) => row !== "");
    const { id } = await queue.enqueue(importCsv, { rows });
    const token = await queue.watchToken(id, { ttl: "1h", results: true });
    return json({ token, total: rows.length }, 201);
  });
  app.route("/queue", createHandler({ queue, auth: { admin: [adminToken] } }));
  return app;
}
// #endregion
