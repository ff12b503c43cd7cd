import { Hono } from "hono";
import { defineJob, memoryStore, Queue } from "tidegate";
import { createHandler } from "tidegate/http";

// Stand-ins, so that the example runs anywhere: use a real bucket, and upstashStore of tidegate/upstash.
const images = new Map<string, Uint8Array>();
const thumbnails = new Map<string, Uint8Array>();
const store = memoryStore();

export const makeThumbnail = defineJob({
  name: "make_thumbnail",
  timeout: "20s",
  async perform({ name }: { name: string }) {
    const image = images.get(name);
    if (!image) throw new Error("The image has not arrived yet.");
    thumbnails.set(name, shrink(image));
  },
});

const queue = new Queue({ store, jobs: [makeThumbnail] });

const app = new Hono();

// The user waits until the picture is stored, not for its thumbnail.
app.post("/upload", async (context) => {
  const { picture } = await context.req.parseBody();
  if (!(picture instanceof File)) return context.json({ error: "Send a form with a file named picture." }, 400);
  const name = crypto.randomUUID();
  images.set(name, new Uint8Array(await picture.arrayBuffer()));
  const { id } = await queue.enqueue(makeThumbnail, { name });
  // After the response. The cron does the rest, and the retries, through /queue/drain.
  context.executionCtx.waitUntil(queue.drain({ timeBudget: "10s" }));
  return context.json({ job: id, thumbnail: `/thumbnails/${name}` }, 202);
});

app.get("/thumbnails/:name", (context) => {
  const thumbnail = thumbnails.get(context.req.param("name"));
  return thumbnail ? context.body(thumbnail.slice().buffer) : context.json({ error: "Not yet, or not any more." }, 404);
});

app.route("/queue", createHandler({ queue, auth: { drain: ["a-long-random-token"] } }));

export default app;

/** Here you would call an image library. */
function shrink(image: Uint8Array): Uint8Array {
  return image.filter((_, index) => index % 2 === 0);
}
