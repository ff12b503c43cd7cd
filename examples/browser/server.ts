// The handler that the page calls. It accepts requests from other origins.
import { Hono } from "hono";
import { cors } from "hono/cors";
import { defineJob, memoryStore, Queue } from "tidegate";
import { createHandler } from "tidegate/http";

const sendReport = defineJob({
  name: "send_report",
  async perform({ email }: { email: string }) {
    if (!email.includes("@")) throw new Error("This is no address.");
  },
});

const queue = new Queue({ store: memoryStore(), jobs: [sendReport] });

const app = new Hono();
app.use("/queue/*", cors({ origin: "http://localhost:5173" }));
app.route("/queue", createHandler({ queue, auth: { enqueue: ["enqueue-only"], admin: ["a-long-random-token"] } }));

export default app;
