import { test } from "vitest";
import { root } from "./built.ts";
import { bundle } from "./bundle.ts";
const bundleExample = (file: string, external: string[] = [], keepNames = false) =>
  bundle({ absWorkingDir: root, stdin: { contents: `export { default } from "./${file}";`, resolveDir: root }, external, keepNames,
    conditions: ["workerd", "worker", "browser"], define: { "process.env.NODE_ENV": '"production"' } });
const src = (contents: string) => bundle({ stdin: { contents, resolveDir: root }, absWorkingDir: root, conditions: ["workerd", "worker", "browser"] });
const worker = (imports = "", options = "") => src(`
    import { Queue } from "./src/index.ts";
    import { createWorker } from "./src/platforms/cloudflare.ts";
    import { upstashStore } from "./src/stores/redis-http/index.ts";
    ${imports}
    const store = upstashStore({ url: "", token: "" });
    export default createWorker(() => ({ queue: new Queue({ store }), auth: { admin: ["a-long-token"] }, ${options} }));`);
test("sizes", async () => {
  const a = await bundleExample("examples/guide/readme.ts", ["zod"]);
  const b = await bundleExample("examples/guide/readme.ts", ["zod"], true);
  const c = await worker();
  const d = await worker('import { dashboard } from "./src/http/dashboard/index.ts";', "dashboard: dashboard()");
  const p = await bundleExample("examples/guide/producer.ts", ["zod"]);
  const cl = await src('export * from "./src/client/index.ts"');
  (await import("node:fs")).writeFileSync("/tmp/sizes-" + root.replaceAll("/", "_"), JSON.stringify({ worker: a.gzipped, names: b.gzipped - a.gzipped, dashboard: d.gzipped - c.gzipped, producer: p.gzipped, client: cl.gzipped }));
});
