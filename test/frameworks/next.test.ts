import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createClient } from "redis";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../scripts/shared/free-port.ts";
import { Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { serveFetch } from "../support/http-server.ts";
import { stepServices } from "../support/step-services.ts";
import { useRedis } from "../support/stores.ts";
import { installExample, type Running, run, start } from "./app.ts";
import { drive, sender, tokens } from "./drive.ts";

const patience = { timeout: 60_000 };
const guide = join(import.meta.dirname, "../../examples/guide");
const next = [process.execPath, "node_modules/next/dist/bin/next"];

describe("the example for Next.js", () => {
  const redis = useRedis();
  let app: string;
  let env: Record<string, string>;
  let built: Promise<string> | undefined;

  beforeAll(async () => {
    app = await installExample("next");
    env = {
      UPSTASH_REDIS_REST_URL: redis.shim.url,
      UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
      REDIS_URL: `redis://127.0.0.1:${redis.server.port}`,
      TIDEGATE_WATCH_SECRET: "a secret of the tests",
      ...tokens,
    };
    await addImport();
  }, 120_000);

  /** What `next build` prints. Both tests of the built app share it. */
  const build = () => {
    built ??= run(app, [...next, "build"], env);
    return built;
  };

  async function serve(command: string) {
    const port = await freePort();
    const server = start(app, [...next, command, "-p", String(port)], env);
    onTestFinished(() => server.stop());
    await server.says(/Ready/);
    return { server, url: `http://localhost:${port}` };
  }

  const edit = async (file: string, change: (code: string) => string) =>
    writeFile(join(app, file), change(await readFile(join(app, file), "utf8")));

  /** What a server prints while this goes on. */
  async function outputAfter(server: Running, work: Promise<unknown>) {
    const { length } = server.output;
    await work;
    return server.output.slice(length);
  }

  /** How many connections the app has opened to Redis. */
  async function connections() {
    const client = await createClient({ url: `redis://127.0.0.1:${redis.server.port}` }).connect();
    const list = await client.sendCommand(["CLIENT", "LIST"]);
    client.destroy();
    return String(list).match(/lib-name=ioredis/g)?.length;
  }

  /** Sends the form of the page, as a browser without JavaScript does. */
  async function signUp(url: string, email: string) {
    const page = await (await fetch(url)).text();
    const form = new FormData();
    for (const [, name = "", value = ""] of page.matchAll(/<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?/g))
      form.append(name, value.replaceAll("&quot;", '"'));
    form.append("email", email);
    return fetch(url, { method: "POST", body: form, headers: { Origin: url } });
  }

  test("builds, with types and Cache Components, and works", async () => {
    const output = await build();
    expect(output).toMatch(/◐ \/\n/); // a static form around what is read for each request
    const { server, url } = await serve("start");
    await drive(`${url}/api/queue`);
    expect(await (await signUp(url, "bob@example.com")).text()).toContain('{"token":"watch.');
    await server.says(/Welcome, bob@example.com/);
    expect(await (await signUp(url, "nobody")).text()).toContain("Invalid email address");
    expect(await (await fetch(url)).text()).toMatch(/0(<!-- -->)? emails to send/);
  }, 240_000);

  /** Adds the import of the page on steps to the jobs of the app. */
  async function addImport() {
    for (const file of ["services.ts", "retries.ts", "steps/services.ts", "steps/import.ts"]) {
      const code = await readFile(join(guide, file), "utf8");
      await mkdir(dirname(join(app, "guide", file)), { recursive: true });
      await writeFile(join(app, "guide", file), code.replaceAll('.ts";', '";'));
    }
    await edit("queue.ts", (code) =>
      [
        'import { importCustomers } from "@/guide/steps/import";',
        'import { services } from "@/guide/steps/services";',
        code.replace("token }), jobs,", "token }), jobs: [importCustomers, ...jobs],"),
        'services.url = process.env.SERVICES_URL ?? "";',
      ].join("\n"),
    );
  }

  test("runs a job with steps across requests, also when the server is started anew", async () => {
    const services = stepServices();
    const outside = await serveFetch(services.fetch);
    onTestFinished(() => outside.stop());
    env = { ...env, SERVICES_URL: outside.url };
    await build();
    const queue = new Queue({ store: upstashStore({ url: redis.shim.url, token: redis.shim.token }) });
    await queue.enqueue("import_customers", { list: "may" }, { id: "import" });
    let invocations = 0;
    for (let state = ""; state !== "completed"; invocations++) {
      const { server, url } = await serve("start");
      const call = sender(`${url}/api/queue`, fetch);
      const limits = "linger=0s&budget.roundTrips=8&budget.commands=500";
      expect(await call(`/drain?${limits}`, tokens.CRON_SECRET)).toMatchObject({ status: 200 });
      state = (await queue.getJob("import"))?.state ?? "";
      expect(["ready", "completed"]).toContain(state);
      await server.stop();
    }
    expect(invocations).toBeGreaterThan(1);
    expect(services.keysOf("customers")).toEqual(Array.from({ length: 13 }, (_, index) => `import/page-${index + 1}`));
  }, 240_000);

  test("reloads code in next dev", async () => {
    const { server, url } = await serve("dev");
    await signUp(url, "cy@example.com");
    await server.says(/Welcome, cy@example.com/);
    await edit("jobs.ts", (code) => code.replace("Welcome,", "Greetings,"));
    await expect.poll(() => outputAfter(server, signUp(url, "di@example.com")), patience).toContain("Greetings, di@");
  }, 120_000);

  test("has one connection to a Redis of its own, however often next dev reloads the file that opens it", async () => {
    await edit("queue.ts", (code) =>
      code
        .replace("upstashStore({ url, token })", "store")
        .replace("tidegate/upstash", "@/own-redis")
        .replace("{ upstashStore }", "{ store }"),
    );
    const { server, url } = await serve("dev");
    await signUp(url, "ed@example.com");
    await server.says(/, ed@example.com/);
    expect(await connections()).toBe(1);
    for (const word of ["Hi", "Hello"]) {
      await edit("own-redis.ts", (code) => `${code}\nconsole.log("${word}: reloaded");\n`);
      await expect
        .poll(() => outputAfter(server, signUp(url, "flo@example.com")), patience)
        .toContain(`${word}: reloaded`);
    }
    expect(await connections()).toBe(1);
  }, 120_000);
});
