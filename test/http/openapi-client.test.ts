import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import openapiTS, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../package/built.ts";
import { setUp } from "./memory-handler.ts";

/** A program on the generated types, as a user would write it. */
const program = `
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

export async function enqueueAndRead(fetch: (request: Request) => Promise<Response>) {
  const client = createClient<paths>({ baseUrl: "https://queue.test", fetch });
  const enqueued = await client.POST("/jobs", { body: { name: "send_email", payload: { to: "ada" }, delay: "5m" } });
  if (!enqueued.data || !("id" in enqueued.data)) throw new Error(enqueued.error?.detail);
  const { id } = enqueued.data;
  const { data: job } = await client.GET("/jobs/{id}", { params: { path: { id } } });
  const state: components["schemas"]["Job"]["state"] | undefined = job?.state;
  const { error } = await client.GET("/queues/{queue}/jobs/{id}", { params: { path: { queue: "default", id: "none" } } });
  const code: components["schemas"]["Problem"]["code"] | undefined = error?.code;
  return { id, job, state, code };
}
`;

/** One mistake per line. */
const mistakes = `
import createClient from "openapi-fetch";
import type { paths } from "./api.ts";
const client = createClient<paths>();
client.POST("/jobs", { body: { payload: { to: "ada" } } });
client.POST("/jobs", { body: { name: "send_email", maxRetries: "3" } });
client.GET("/jobs", { params: { query: { state: "sleeping" } } });
client.GET("/jobs/{id}", { params: { path: {} } });
client.DELETE("/jobs");
client.GET("/job");
client.GET("/stats").then(({ data }) => data?.pending);
client.POST("/dead-letter/retry", { body: { dryRun: true } });
`;

const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  target: "es2022",
  module: "esnext",
  moduleResolution: "bundler",
  types: [],
  // Those of the browser and of openapi-fetch.
  skipLibCheck: true,
};

const cache = join(root, "node_modules/.cache");
let folder: string;

// Inside the repository, so that the program's imports are found.
beforeAll(async () => {
  const { call } = setUp();
  const { body } = await call("GET", "/openapi.json");
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(join(cache, "tidegate-client-"));
  await writeFile(join(folder, "api.ts"), astToString(await openapiTS(body as never)));
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  await writeFile(join(folder, "program.ts"), program);
  await writeFile(join(folder, "mistakes.ts"), mistakes);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function compile(): Promise<string> {
  const compiler = join(root, "node_modules/typescript-7/bin/tsc");
  const compiling = promisify(execFile)(process.execPath, [compiler, "--pretty", "false"], { cwd: folder });
  return (await compiling.catch(({ stdout }) => ({ stdout }))).stdout;
}

test("a client generated from the document compiles, and invalid calls of it do not", async () => {
  const wrong = [...(await compile()).matchAll(/^(\w+)\.ts\((\d+),/gm)].map(([, file, line]) => `${file} ${line}`);
  const lines = mistakes
    .split("\n")
    .flatMap((line, index) => (/^client\./.test(line) ? [`mistakes ${index + 1}`] : []));
  expect([...new Set(wrong)]).toEqual(lines);
});

test("a client generated from the document enqueues a job and reads it", async () => {
  await build({
    entryPoints: [join(folder, "program.ts")],
    outdir: folder,
    bundle: true,
    format: "esm",
    outExtension: { ".js": ".mjs" },
  });
  const { enqueueAndRead } = await import(join(folder, "program.mjs"));
  const { app } = setUp();
  expect(await enqueueAndRead(app.fetch)).toMatchObject({
    id: expect.any(String),
    job: { name: "send_email", payload: { to: "ada" }, attempts: 0 },
    state: "scheduled",
    code: "not_found",
  });
});
