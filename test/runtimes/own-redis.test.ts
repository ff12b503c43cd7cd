import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { unstable_startWorker as startWorker } from "wrangler";
import { installedBuild } from "../package/built.ts";
import { useRedis } from "../support/stores.ts";
import { dev } from "./wrangler.ts";

const TOKEN = "the-admin-token";

/** Shares a client between the events of an isolate, which workerd does not allow. */
const SHARED = `
  import { createClient } from "redis";
  import { Queue } from "tidegate";
  import { createWorker } from "tidegate/cloudflare";
  import { redisStore } from "tidegate/redis";
  export default createWorker(({ REDIS_URL: url, TIDEGATE_ADMIN_TOKEN: token }) => {
    const client = createClient({ url });
    client.on("error", () => {});
    client.connect();
    return { queue: new Queue({ store: redisStore(client) }), auth: { admin: [token] } };
  });`;

const examples = join(import.meta.dirname, "../../examples/guide/cloudflare");
const redis = useRedis();
const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Sends requests to a Worker in workerd, one after the other. */
async function answersOf(script: string, requests: readonly (readonly [string, string, object?])[]) {
  const folder = await mkdtemp(join(await installedBuild(), "own-redis-"));
  cleanUps.push(() => rm(folder, { recursive: true }));
  for (const file of ["own-redis.ts", "jobs.ts"]) await copyFile(join(examples, file), join(folder, file));
  await writeFile(join(folder, "worker.ts"), script);
  const text = (value: string) => ({ type: "plain_text", value }) as const;
  const worker = await startWorker({
    ...{ name: "own-redis", entrypoint: join(folder, "worker.ts"), dev },
    ...{ compatibilityDate: "2026-04-21", compatibilityFlags: ["nodejs_compat"] },
    build: { nodejsCompatMode: "v2" },
    bindings: { REDIS_URL: text(`redis://127.0.0.1:${redis.server.port}`), TIDEGATE_ADMIN_TOKEN: text(TOKEN) },
  });
  cleanUps.push(() => worker.dispose());
  const headers = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" };
  const answers: unknown[] = [];
  for (const [method, path, body] of requests) {
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await worker.fetch(`http://worker.test${path}`, init);
    answers.push({ answered: response.status, ...((await response.json()) as object) });
  }
  return answers;
}

test("createWorker on workerd refuses a queue on redisStore, and says what to do", async () => {
  const refused = { answered: 503, detail: expect.stringMatching(/"default" is on redisStore.*connect in each event/) };
  expect(
    await answersOf(SHARED, [
      ["GET", "/stats"],
      ["GET", "/stats"],
    ]),
  ).toMatchObject([refused, refused]);
});

test("a Worker that connects in each event performs jobs on redisStore in workerd", async () => {
  const job = { name: "greet", payload: { who: "Ada" }, id: "first" };
  const answers = await answersOf('export { default } from "./own-redis.ts";', [
    ["POST", "/jobs", job],
    ["POST", "/jobs", { ...job, id: "second" }],
    ["POST", "/drain"],
    ["GET", "/jobs/first"],
    ["GET", "/jobs/second"],
  ]);
  const done = { answered: 200, state: "completed", result: "Hello, Ada" };
  expect(answers).toMatchObject([{ answered: 201 }, { answered: 201 }, { answered: 200 }, done, done]);
});
