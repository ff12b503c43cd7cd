import { expect, test } from "vitest";
import { loadExample } from "./example.ts";

type App = typeof import("../../examples/hono/app.ts");

test("the example for Hono answers an upload at once, and a job makes the thumbnail", async () => {
  const { default: app } = await loadExample<App>("hono/app.ts");
  const background: Promise<unknown>[] = [];
  const context = {
    waitUntil: (work: Promise<unknown>) => background.push(work),
    passThroughOnException() {},
    props: {},
  };
  const form = new FormData();
  form.append("picture", new File([new Uint8Array(10)], "cat.png"));
  const uploaded = await app.request("/upload", { method: "POST", body: form }, {}, context);
  expect(uploaded.status).toBe(202);
  const { thumbnail } = (await uploaded.json()) as { thumbnail: string };
  await Promise.all(background);
  expect((await (await app.request(thumbnail)).arrayBuffer()).byteLength).toBe(5);
});

test("the example for Hono refuses an upload without a picture", async () => {
  const { default: app } = await loadExample<App>("hono/app.ts");
  expect((await app.request("/upload", { method: "POST", body: new FormData() })).status).toBe(400);
  expect((await app.request("/thumbnails/never-uploaded")).status).toBe(404);
});

test("the example for Hono lets a cron drain, with its token", async () => {
  const { default: app } = await loadExample<App>("hono/app.ts");
  expect((await app.request("/queue/drain")).status).toBe(401);
  const headers = { Authorization: "Bearer a-long-random-token" };
  expect(await (await app.request("/queue/drain", { headers })).json()).toMatchObject({ stoppedBy: "empty" });
});
