import { describe, expect, test } from "vitest";
import { onMemoryAtLeast } from "../support/stores.ts";
import { type Delivery, type Parts, qstashHandler } from "./served-qstash.ts";

// What the SDK of workflows sends, and what it is sent. The suite in workflows.test.ts drives the SDK itself.

const url = "https://app.test/workflow";
const runId = "wfr_mine";
const start = { "Upstash-Workflow-RunId": runId, "Upstash-Workflow-Init": "true" };
const ofRun = { "Upstash-Workflow-RunId": runId };

const stepOf = (stepId: number, more: object = {}) => ({
  ...{ stepId, stepName: `step ${stepId}`, stepType: "Run", concurrent: 1 },
  ...more,
});

const stepsOf = ({ body }: Delivery) =>
  (JSON.parse(body) as { body: string; callType: string }[]).map((step) => {
    const text = Buffer.from(step.body, "base64").toString();
    return text.startsWith("{") ? (JSON.parse(text) as unknown) : text;
  });

onMemoryAtLeast(({ create }) => {
  const served = (parts: Partial<Parts> = {}) => {
    const handler = qstashHandler({ store: create(), ...parts });
    const publish = (body: unknown, headers: Record<string, string> = ofRun, to = url) =>
      handler.call("POST", `/v2/publish/${to}`, { body: JSON.stringify(body), headers });
    const drain = async () => {
      await handler.queue.drain();
      await handler.queue.drain();
    };
    return { ...handler, publish, drain };
  };

  describe("the messages of a run", () => {
    test("carry its payload and all of its steps so far", async () => {
      const { publish, drain, deliveries, clock } = served();
      const createdAt = String(clock.now);
      await publish("payload", { ...start, "Upstash-Forward-X-Tenant": "acme" });
      await drain();
      expect(await (await publish(stepOf(1))).json()).toEqual({ messageId: `${runId}:1` });
      await drain();
      expect(deliveries.map(stepsOf)).toEqual([['"payload"'], ['"payload"', stepOf(1)]]);
      for (const { headers } of deliveries) {
        expect(headers.get("upstash-workflow-runid")).toBe(runId);
        expect(headers.get("upstash-workflow-createdat")).toBe(createdAt);
        expect(headers.get("x-tenant")).toBe("acme");
      }
    });

    test("exist once, however often they are sent", async () => {
      const { publish, drain, deliveries } = served();
      await publish("payload", start);
      const again = await publish("payload", start);
      expect([again.status, await again.json()]).toMatchObject([202, { deduplicated: true, workflowRunId: runId }]);
      await drain();
      await publish(stepOf(1, { out: "first" }));
      expect((await publish(stepOf(1, { out: "second" }))).status).toBe(202);
      await drain();
      expect(deliveries.map(stepsOf)).toEqual([['"payload"'], ['"payload"', stepOf(1, { out: "first" })]]);
    });

    test("are not delivered again once the workflow has answered with a step, even if its own response is lost", async () => {
      const handler = served({
        destination: async ({ body }) => {
          const count = (JSON.parse(body) as unknown[]).length;
          if (count > 2) return new Response("");
          await handler.publish(stepOf(count));
          throw new TypeError("fetch failed");
        },
      });
      await handler.publish("payload", start);
      await handler.drain();
      handler.clock.now += 3_600_000;
      await handler.drain();
      expect(handler.deliveries.map((delivery) => stepsOf(delivery).length)).toEqual([1, 2, 3]);
      expect(await handler.queue.getStats()).toMatchObject({ pendingCount: 0, deadLetterCount: 0 });
    });

    test("are refused with 400 once it has ended, and with 412 if they are invalid", async () => {
      const { publish, drain, call, deliveries } = served();
      await publish("payload", start);
      expect((await publish({ stepId: "one" })).status).toBe(412);
      expect((await publish(stepOf(1), ofRun, "https://elsewhere.test/")).status).toBe(412);
      expect((await publish(stepOf(1), { "Upstash-Workflow-RunId": "wfr_none" })).status).toBe(400);
      expect((await call("GET", `/v2/workflows/runs/${runId}`)).status).toBe(200);
      const end = { body: JSON.stringify("result") };
      expect((await call("DELETE", `/v2/workflows/runs/${runId}?cancel=false`, end)).status).toBe(200);
      expect((await publish(stepOf(1))).status).toBe(400);
      expect((await call("GET", `/v2/workflows/runs/${runId}`)).status).toBe(404);
      expect((await call("DELETE", `/v2/workflows/runs/${runId}`)).status).toBe(404);
      await drain();
      expect(deliveries).toEqual([]);
    });
  });

  test("a call brings its run all of a response of 900 KB, and the status 0 for one that is too large", async () => {
    let response = "x".repeat(900_000);
    const { publish, drain, deliveries } = served({
      destination: ({ url: to }) => new Response(to === url ? "" : response),
    });
    await publish("payload", start);
    await drain();
    const call = async (step: number) => {
      const headers = {
        ...{ ...ofRun, "Upstash-Workflow-CallType": "toCallback", "Upstash-Retries": "0", "Upstash-Callback": url },
        "Upstash-Callback-Forward-Upstash-Workflow-StepId": String(step),
      };
      await publish("", headers, "https://app.test/called");
      for (const _ of [1, 2, 3]) await drain();
      return JSON.parse(deliveries.at(-1)?.body ?? "") as { status: number; body: string };
    };
    const whole = await call(1);
    expect([whole.status, atob(whole.body) === response]).toEqual([200, true]);
    response = "x".repeat(2_100_000);
    expect(await call(2)).toMatchObject({ status: 0, body: expect.stringMatching(/^[A-Za-z0-9+/]{20,400}=*$/) });
  });

  test("a batch of a run that goes on is refused with 412, and one of plain messages with 400 or 413", async () => {
    const { publish, drain, call } = served();
    await publish("payload", start);
    await drain();
    const batch = async (entries: object[], headers: object = ofRun) => {
      const body = JSON.stringify(entries.map((entry) => ({ destination: url, headers, ...entry })));
      return (await call("POST", "/v2/batch", { body })).status;
    };
    const tooLarge = { body: "x".repeat(3_600_000) };
    const tooMany = Array.from({ length: 1_001 }, () => ({ body: "" }));
    const noText = { body: { an: "object" } };
    expect(await Promise.all([batch([tooLarge]), batch(tooMany), batch([noText])])).toEqual([412, 412, 412]);
    const plain = await Promise.all([batch([tooLarge], {}), batch(tooMany, {}), batch([noText], {})]);
    expect(plain).toEqual([413, 400, 400]);
  });

  describe("a run", () => {
    test("is shown with its steps, and is cancelled together with what it waits for", async () => {
      const { publish, drain, call, queue } = served();
      await publish("payload", start);
      await drain();
      await publish(stepOf(1, { out: "1" }), { ...ofRun, "Upstash-Delay": "1d" });
      const logs = await call("GET", `/v2/workflows/events?groupBy=workflowRunId&workflowRunId=${runId}`);
      expect(await logs.json()).toMatchObject({
        runs: [
          {
            ...{ workflowRunId: runId, workflowState: "RUN_STARTED" },
            steps: [
              { type: "sequential", steps: [{ stepName: "init" }] },
              { type: "sequential", steps: [{ stepName: "step 1", out: "1" }] },
              { type: "next", steps: [{ messageId: `${runId}:1` }] },
            ],
          },
        ],
      });
      const cancelled = await call("DELETE", `/v2/workflows/runs?workflowRunIds=${runId}`);
      expect(await cancelled.json()).toEqual({ cancelled: 1 });
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0 });
    });

    test("that has failed is resumed once, however often that is requested", async () => {
      let status = 500;
      const { publish, drain, call, deliveries } = served({ destination: () => new Response("", { status }) });
      await publish("payload", { ...start, "Upstash-Retries": "0" });
      await drain();
      const dead = (await (await call("GET", "/v2/dlq?source=workflow")).json()) as { messages: { dlqId: string }[] };
      expect(dead.messages).toMatchObject([{ workflowRunId: runId, workflowUrl: url, responseStatus: 500 }]);
      status = 200;
      const resumed = `/v2/workflows/dlq/resume?dlqIds=${dead.messages[0]?.dlqId}`;
      const answers = await Promise.all([call("POST", resumed), call("POST", resumed)]);
      const runs = await Promise.all(answers.map(async (answer) => (await answer.json()) as object));
      expect(runs[0]).toMatchObject({ workflowRuns: [{ workflowRunId: expect.stringMatching(/^wfr_/) }] });
      expect([runs[0], { workflowRuns: [] }]).toContainEqual(runs[1]);
      await drain();
      expect(deliveries.map(stepsOf)).toEqual([['"payload"'], ['"payload"']]);
    });
  });
});
