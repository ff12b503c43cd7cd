import { Hono } from "hono";
import { mount } from "hono/mount";
import { Queue } from "tidegate";
import { cloudflareFree, createWorker } from "tidegate/cloudflare";
import { upstashStore } from "tidegate/upstash";
import { type Bucket, imageJobs } from "./jobs.ts";

export interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
  readonly IMAGES: Bucket;
}

function openQueue(env: Env) {
  const jobs = imageJobs(env.IMAGES);
  const store = upstashStore({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
  return { jobs, queue: new Queue({ store, jobs: Object.values(jobs) }) };
}

const worker = createWorker((env: Env) => ({
  queue: openQueue(env).queue,
  auth: { admin: [env.TIDEGATE_ADMIN_TOKEN] },
  scheduled: cloudflareFree,
}));

const app = new Hono<{ Bindings: Env }>();

app.post("/upload", async (context) => {
  const { picture, user } = await context.req.parseBody();
  if (!(picture instanceof File)) return context.json({ error: "Send a form with a file named picture." }, 400);
  const key = crypto.randomUUID();
  await context.env.IMAGES.put(`uploads/${key}`, await picture.arrayBuffer());

  const { queue, jobs } = openQueue(context.env);
  const { id } = await queue.enqueue(jobs.makeThumbnail, { key, user: Number(user) }, { id: `thumbnail-${key}` });
  context.executionCtx.waitUntil(queue.drain({ maxJobs: 10, timeBudget: "20s" })); // after the response
  return context.json({ status: "processing", job: id }, 202);
});

app.get("/status/:job", async (context) => {
  const job = await openQueue(context.env).queue.getJob(context.req.param("job"));
  return job ? context.json({ state: job.state, result: job.result ?? null }) : context.json({ error: "Gone." }, 404);
});

app.all("/queue/*", mount(worker.fetch)); // the queue's own routes, with its tokens

export default { fetch: app.fetch, scheduled: worker.scheduled };
