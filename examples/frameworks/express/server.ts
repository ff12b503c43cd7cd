import process from "node:process";
import express from "express";
import { dashboard } from "tidegate/dashboard";
import { createHandler } from "tidegate/http";
import { nodeListener, startWorker } from "tidegate/node";
import { queue, sendWelcome } from "./queue.ts";

const { TIDEGATE_ADMIN_TOKEN = "", PORT = "3000", WORKERS = "10" } = process.env;

const app = express();
app.use(express.json());

app.post("/sign-up", async (request, response) => {
  const { id } = await queue.enqueue(sendWelcome, { to: request.body.email });
  response.status(202).json({ id });
});

const auth = { admin: [TIDEGATE_ADMIN_TOKEN] };
const handler = createHandler({ queue, auth, basePath: "/api/queue", dashboard: dashboard() });
app.use("/api/queue", nodeListener(handler));

const server = app.listen(PORT, () => console.log(`Listening on http://localhost:${PORT}`));

if (WORKERS !== "0") {
  const worker = startWorker(queue, { workers: Number(WORKERS), handleSignals: true });
  worker.done.then(() => server.close());
}
