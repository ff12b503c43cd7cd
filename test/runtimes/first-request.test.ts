import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { installedBuild } from "../package/built.ts";
import { bundle } from "../package/bundle.ts";
import { useRedis } from "../support/stores.ts";
import { Workerd } from "../support/workerd.ts";

const TOKEN = "a-token-to-drain-with";
const JOBS = 30;

const WORKER = `
  import { defineJob, Queue } from "tidegate";
  import { createWorker } from "tidegate/cloudflare";
  import { upstashStore } from "tidegate/upstash";
  const jobs = [defineJob({ name: "quick", perform() {} })];
  export default createWorker(({ URL: url, STORE: token, TOKEN, NAME: name }) => ({
    queue: new Queue({ name, store: upstashStore({ url, token }), jobs }),
    auth: { drain: [TOKEN] },
  }));`;

const redis = useRedis();

/** How many functions V8 has compiled, by its log. */
async function compiled(log: string): Promise<number> {
  return (await readFile(log, "utf8")).match(/^function,interpreter,/gm)?.length ?? 0;
}

test("the first drain of a new isolate finds its code compiled", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tidegate-first-"));
  const log = join(folder, "v8.log");
  const { text } = await bundle({ stdin: { contents: WORKER, resolveDir: await installedBuild() } });
  const quick = defineJob({ name: "quick", perform() {} });
  const { url, token } = redis.shim;
  const queue = new Queue({ name: "first-request", store: upstashStore({ url, token }), jobs: [quick] });
  await queue.enqueueMany(Array.from({ length: JOBS }, () => ({ job: quick })));
  const bindings = { URL: url, STORE: token, TOKEN, NAME: queue.name };
  const flags = ["--log-function-events", `--logfile=${log}`, "--no-logfile-per-isolate"];
  const isolate = await Workerd.start(folder, text, bindings, flags);
  try {
    const atStart = await compiled(log);
    const drain = await fetch(`${isolate.url}/drain`, { headers: { Authorization: `Bearer ${TOKEN}` } });
    expect(await drain.json()).toMatchObject({ completed: JOBS, stoppedBy: "empty" });
    expect((await compiled(log)) - atStart).toBeLessThan(80);
  } finally {
    await isolate.stop();
    await rm(folder, { recursive: true });
  }
});
