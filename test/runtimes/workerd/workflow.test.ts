import { Client } from "@upstash/workflow";
import { serve } from "@upstash/workflow/cloudflare";
import { memoryStore, Queue } from "tidegate";
import { createHandler } from "tidegate/http";
import { createQStash } from "tidegate/qstash";
import { afterEach, expect, test, vi } from "vitest";

const token = "the-qstash-token";
const signingKeys = { current: "sig_current_key", next: "sig_next_key" };
const baseUrl = "http://queue.test";
const workflowUrl = "https://app.test/workflow";

afterEach(() => vi.unstubAllGlobals());

test("the SDK serves a workflow inside workerd, and checks the signatures of its requests", async () => {
  let result: unknown;
  const workflow = serve(async (context) => {
    const one = await context.run("one", () => 1);
    const both = await Promise.all([context.run("two", () => one + 1), context.run("three", () => one + 2)]);
    const { body } = await context.call<string>("call", { url: "https://app.test/api" });
    result = [...both, body];
  });
  const env = {
    ...{ QSTASH_URL: baseUrl, QSTASH_TOKEN: token },
    ...{ QSTASH_CURRENT_SIGNING_KEY: signingKeys.current, QSTASH_NEXT_SIGNING_KEY: signingKeys.next },
  };
  const qstash = createQStash({
    ...{ tokens: [token], signingKeys, targets: ["https://app.test/*"] },
    fetch: async (url, init) =>
      String(url) === workflowUrl ? workflow.fetch(new Request(url, init), env) : new Response("called"),
  });
  const queue = new Queue({ store: memoryStore(), jobs: qstash.jobs, logger: null });
  const app = createHandler({ queue, auth: { admin: ["the-admin-token"] }, qstash });
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => app.fetch(new Request(url, init)));
  const client = new Client({ baseUrl, token, retry: false });
  await client.trigger({ url: workflowUrl, workflowRunId: "mine" });
  await queue.drain({ budget: { roundTrips: 1_000, commands: 10_000 } });
  expect(result).toEqual([2, 3, "called"]);
  const { runs } = await client.logs({ filter: { workflowRunId: "wfr_mine" } });
  expect(runs).toMatchObject([{ workflowState: "RUN_SUCCESS" }]);
  const forged = new Request(workflowUrl, {
    method: "POST",
    body: "[]",
    headers: { "Upstash-Workflow-Sdk-Version": "1" },
  });
  expect((await workflow.fetch(forged, env)).status).toBe(500);
});
