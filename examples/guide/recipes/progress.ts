import { Hono } from "hono";
import type { Queue } from "tidegate";
import { importRows } from "../import-rows.ts";

// #region routes
export const imports = (queue: Queue, userOf: (request: Request) => number) =>
  new Hono()
    .post("/imports/:file", async ({ req, body }) => {
      const { file } = req.param();
      await queue.enqueue(importRows, { file }, { id: `import-${userOf(req.raw)}-${file}` });
      return body(null, 202);
    })
    .get("/imports/:file", async ({ req, json }) => {
      const job = await queue.getJob(`import-${userOf(req.raw)}-${req.param("file")}`);
      if (!job) return json({ state: "unknown" }, 404);
      return json({ state: job.state, progress: job.progress });
    });
// #endregion

type Progress = { readonly done: number; readonly of: number } | undefined;

// #region page
/** In the page: polls every two seconds until the import has ended. */
export async function follow(file: string, show: (progress: Progress) => void): Promise<string> {
  for (;;) {
    const response = await fetch(`/imports/${file}`);
    const { state, progress } = await response.json();
    show(progress);
    if (["completed", "dead", "unknown"].includes(state)) return state;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}
// #endregion
