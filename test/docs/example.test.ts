import { describe, expect, test } from "vitest";
import type { Bucket } from "../../examples/guide/app/jobs.ts";
import app from "../../examples/guide/app/worker.ts";
import { useRedis } from "../support/stores.ts";
import { inBackground } from "./guide.ts";

/** A bucket in memory. */
function bucket() {
  const objects = new Map<string, { readonly bytes: Uint8Array; readonly uploaded: Date }>();
  const images: Bucket = {
    async get(key) {
      const found = objects.get(key);
      return found ? { arrayBuffer: async () => found.bytes.slice().buffer } : null;
    },
    async put(key, value) {
      objects.set(key, { bytes: new Uint8Array(value), uploaded: new Date() });
    },
    delete: async (key) => objects.delete(key),
    async list({ prefix }) {
      const all = [...objects].map(([key, { uploaded }]) => ({ key, uploaded }));
      return { objects: all.filter(({ key }) => key.startsWith(prefix)) };
    },
  };
  return { images, objects };
}

describe("the app of the guide", () => {
  const redis = useRedis();

  function setUp() {
    const { images, objects } = bucket();
    const env = {
      UPSTASH_REDIS_REST_URL: redis.shim.url,
      UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
      TIDEGATE_ADMIN_TOKEN: "the-admin-token",
      IMAGES: images,
    };
    const { context, settled } = inBackground();
    const get = (path: string, headers: Record<string, string> = {}) =>
      app.fetch(new Request(`https://app.test${path}`, { headers }), env, context);
    const upload = (form: FormData) =>
      app.fetch(new Request("https://app.test/upload", { method: "POST", body: form }), env, context);
    return { env, objects, context, settled, get, upload };
  }

  function formWith(picture: File) {
    const form = new FormData();
    form.append("picture", picture);
    form.append("user", "7");
    return form;
  }

  test("answers an upload at once, makes the thumbnail later, and shows the job's state", async () => {
    const { upload, get, settled, objects } = setUp();
    const answer = await upload(formWith(new File([new Uint8Array(10)], "cat.png")));
    expect(answer.status).toBe(202);
    const { status, job } = (await answer.json()) as { status: string; job: string };
    expect(status).toBe("processing");
    await settled();
    const state = (await (await get(`/status/${job}`)).json()) as { state: string; result: { thumbnail: string } };
    expect(state.state).toBe("completed");
    expect(objects.get(state.result.thumbnail)?.bytes).toHaveLength(5);
    expect((await get("/status/none")).status).toBe(404);
  });

  test("refuses a file that is not an image", async () => {
    expect((await setUp().upload(new FormData())).status).toBe(400);
  });

  test("dead-letters the job of a missing upload at once", async () => {
    const { settled, objects, get, context, env } = setUp();
    const answer = await app.fetch(
      new Request("https://app.test/queue/jobs", {
        method: "POST",
        headers: { Authorization: "Bearer the-admin-token", "Content-Type": "application/json" },
        body: '{"name":"make_thumbnail","payload":{"key":"gone","user":7}}',
      }),
      env,
      context,
    );
    const { id } = (await answer.json()) as { id: string };
    await settled();
    expect(await (await get(`/status/${id}`)).json()).toMatchObject({ state: "dead" });
    expect(objects.size).toBe(0);
  });

  test("has the queue's routes, with its tokens, and a cron trigger", async () => {
    const { get, env, context } = setUp();
    expect((await get("/queue/stats")).status).toBe(401);
    await app.scheduled({}, env, context);
    const headers = { Authorization: "Bearer the-admin-token" };
    const schedules = await (await get("/queue/schedules", headers)).json();
    expect(schedules).toMatchObject({ schedules: [{ key: "remove_old_uploads", timeZone: "Europe/Paris" }] });
  });
});
