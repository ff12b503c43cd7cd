import { describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { sizes } from "../../scripts/shared/sizes.ts";
import { installedBuild, root } from "./built.ts";
import { bundle } from "./bundle.ts";

const names = Object.keys(manifest.exports)
  .filter((each) => each !== "./package.json")
  .map((each) => each.replace(/^\./, "tidegate"));

/** Other gzips compress less than Node's: GNU's output is some 20 bytes longer. */
const OTHERS_NEED = 22;

async function bundleSource(contents: string) {
  return bundle({ stdin: { contents, resolveDir: await installedBuild() } });
}

/** Bundles the Worker that an example exports, as wrangler does, from the sources. */
const bundleExample = (file: string, external: string[] = [], keepNames = false) =>
  bundle({
    absWorkingDir: root,
    stdin: { contents: `export { default } from "./${file}";`, resolveDir: root },
    external,
    keepNames,
    conditions: ["workerd", "worker", "browser"],
    define: { "process.env.NODE_ENV": '"production"' },
  });

/**
 * Bundles a Worker with a queue and a handler.
 *
 * @param options more of the handler.
 * @param ofQueue more of the queue.
 */
const bundleWorker = (imports = "", options = "", ofQueue = "") =>
  bundleSource(`
    import { Queue } from "tidegate";
    import { createWorker } from "tidegate/cloudflare";
    import { upstashStore } from "tidegate/upstash";
    ${imports}
    const store = upstashStore({ url: "", token: "" });
    export default createWorker(() => ({ queue: new Queue({ store, ${ofQueue} }), auth: { admin: ["a-long-token"] }, ${options} }));`);

const plainWorker = bundleWorker();

describe("the size, minified and gzipped,", () => {
  test(`of a Worker with a queue and its handler is at most ${sizes.worker} KB`, async () => {
    const { gzipped, used } = await bundleExample("examples/guide/cloudflare/priority.ts");
    expect(gzipped).toBeLessThanOrEqual(sizes.worker * 1_024 - OTHERS_NEED);
    expect(used.filter((file) => /dashboard|qstash|memory/.test(file))).toEqual([]);
    const named = await bundleExample("examples/guide/cloudflare/priority.ts", [], true);
    expect(named.gzipped - gzipped).toBeLessThanOrEqual(sizes.names * 1_024);
  });

  test(`of a Worker that only enqueues is at most ${sizes.producer} KB, with nothing that drains`, async () => {
    const { gzipped, used } = await bundleExample("examples/guide/producer.ts", ["zod"]);
    expect(gzipped).toBeLessThanOrEqual(sizes.producer * 1_024 - OTHERS_NEED);
    expect(used.filter((file) => /src\/(?:http|core\/(?:drain|attempt|manage|schedule))\//.test(file))).toEqual([]);
  });

  test(`of the client is at most ${sizes.client} KB, and it reads nothing but itself and small parts of the core`, async () => {
    const { gzipped, read } = await bundleSource('export { QueueClient } from "tidegate/client";');
    expect(gzipped).toBeLessThanOrEqual(sizes.client * 1_024 - OTHERS_NEED);
    expect(read.filter((file) => !file.startsWith("tidegate/dist/client/") && file !== "<stdin>").sort()).toEqual([
      "tidegate/dist/core/manage/job-event.js",
      "tidegate/dist/core/manage/wait.js",
      "tidegate/dist/core/shared/clock.js",
      "tidegate/dist/core/shared/duration.js",
      "tidegate/dist/core/shared/errors.js",
    ]);
  });

  test(`of watchJob is at most ${sizes.watchJob} KB, and a client that does not use it does without`, async () => {
    const { gzipped } = await bundleSource('export { watchJob } from "tidegate/client";');
    expect(gzipped).toBeLessThanOrEqual(sizes.watchJob * 1_024 - OTHERS_NEED);
    const { used } = await bundleSource('export { QueueClient } from "tidegate/client";');
    expect(used.filter((file) => /watch|job-event|clock/.test(file))).toEqual([]);
  });

  test(`of the dashboard, including the page, is at most ${sizes.dashboard} KB in a Worker, and 0 without it`, async () => {
    const without = await plainWorker;
    const withIt = await bundleWorker('import { dashboard } from "tidegate/dashboard";', "dashboard: dashboard()");
    expect(withIt.gzipped - without.gzipped).toBeLessThanOrEqual(sizes.dashboard * 1_024);
    expect(without.used.filter((file) => file.includes("/dashboard/"))).toEqual([]);
  });

  test(`of QStash's interface is at most ${sizes.qstash} KB in a Worker, and 0 without it`, async () => {
    const without = await plainWorker;
    const withIt = await bundleWorker('import { createQStash } from "tidegate/qstash";', "qstash: createQStash({})");
    expect(withIt.gzipped - without.gzipped).toBeLessThanOrEqual(sizes.qstash * 1_024);
    expect(without.used.filter((file) => file.includes("/qstash/"))).toEqual([]);
  });

  test(`of alerts is at most ${sizes.alerts} KB in a Worker, and 0 without them`, async () => {
    const without = await plainWorker;
    const alerts = 'alerts: [slack("https://a.test"), webhook("https://a.test", { secret: "" })]';
    const withIt = await bundleWorker('import { slack, webhook } from "tidegate/alerts";', "", alerts);
    expect(withIt.gzipped - without.gzipped).toBeLessThanOrEqual(sizes.alerts * 1_024);
    expect(without.used.filter((file) => file.includes("/alerts/"))).toEqual([]);
  });

  test(`of a wake object is at most ${sizes.wakeObject} KB in a Worker, and 0 without it`, async () => {
    const without = await plainWorker;
    const withIt = await bundleWorker(
      'import { createWakeObject } from "tidegate/cloudflare"; export const Wake = createWakeObject(() => ({}));',
    );
    expect(withIt.gzipped - without.gzipped).toBeLessThanOrEqual(sizes.wakeObject * 1_024);
    expect(without.used.filter((file) => file.includes("wake-object"))).toEqual([]);
  });

  test(`of the demo Worker is at most ${sizes.demo} KB`, async () => {
    const { gzipped } = await bundleExample("examples/cloudflare/worker.ts");
    expect(gzipped).toBeLessThanOrEqual(sizes.demo * 1_024);
  });
});

describe("a bundler keeps", () => {
  test("nothing that is imported and not used", async () => {
    const { gzipped, used } = await bundleSource(
      names
        .filter((name) => name !== "tidegate/node")
        .map((name) => `import "${name}";`)
        .join("\n"),
    );
    expect(used).toEqual([]);
    expect(gzipped).toBeLessThan(50);
  });

  test("nothing of OpenTelemetry, which may not be installed, outside tidegate/telemetry", async () => {
    const others = names.filter((name) => !["tidegate/node", "tidegate/telemetry"].includes(name));
    const readBy = async (each: readonly string[]) =>
      (await bundleSource(each.map((name) => `export * from "${name}";`).join("\n"))).read.filter((file) =>
        file.startsWith("@opentelemetry/"),
      );
    expect(await readBy(["tidegate/telemetry"])).not.toEqual([]);
    expect(await readBy(others)).toEqual([]);
  });

  test("nothing of React, which may not be installed, outside tidegate/react", async () => {
    const readBy = async (each: readonly string[]) =>
      (await bundleSource(each.map((name) => `export * from "${name}";`).join("\n"))).read.filter((file) =>
        file.startsWith("react/"),
      );
    expect(await readBy(["tidegate/react"])).not.toEqual([]);
    expect(await readBy(names.filter((name) => !["tidegate/node", "tidegate/react"].includes(name)))).toEqual([]);
  });

  test("no store, cron or HTTP for a program that only checks error classes", async () => {
    const { used } = await bundleSource('import { isTidegateError } from "tidegate"; console.log(isTidegateError(1));');
    expect(used).toEqual(["tidegate/dist/core/shared/errors.js", "<stdin>"]);
  });
});
