import { expect, test } from "vitest";
import { memoryStore, Queue } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { type Delivery, qstashHandler } from "./served-qstash.ts";

const url = "https://app.test/workflow";
const called = "https://app.test/called";
const failed = "https://app.test/failed";
const runId = "wfr_mine";
const ofRun = { "Upstash-Workflow-RunId": runId };
const step = { stepId: 1, stepName: "call", stepType: "Call", concurrent: 1 };
const call = {
  ...ofRun,
  "Upstash-Workflow-CallType": "toCallback",
  "Upstash-Retries": "0",
  "Upstash-Callback": url,
  "Upstash-Callback-Workflow-CallType": "fromCallback",
  "Upstash-Callback-Forward-Upstash-Workflow-StepId": "1",
};

type Fault = "before" | "after";
type Handler = ReturnType<typeof qstashHandler>;

/** Works off a run, of whose store one call fails. */
async function runWithFault(
  fault: Fault,
  k: number,
  answer: (delivery: Delivery, handler: Handler) => Promise<number>,
) {
  let calls = 0;
  let isArmed = true;
  const store = faultyStore(memoryStore(), () => (isArmed && ++calls === k ? fault : undefined));
  const destination = async (delivery: Delivery) => new Response("", { status: await answer(delivery, handler) });
  const handler: Handler = qstashHandler({ store, destination });
  const headers = {
    ...{ ...ofRun, "Upstash-Workflow-Init": "true" },
    ...{ "Upstash-Retries": "1", "Upstash-Failure-Callback": failed },
  };
  const trigger = () => handler.call("POST", `/v2/publish/${url}`, { headers, body: "payload" });
  // Who is told of a failure tries again.
  if ((await trigger()).status >= 500) await trigger();
  for (let drains = 0; drains < 12; drains++) {
    await handler.queue.drain().catch(() => {});
    handler.clock.now += 120_000;
  }
  isArmed = false;
  const logs = await handler.call("GET", `/v2/workflows/events?groupBy=workflowRunId&workflowRunId=${runId}`);
  const { runs } = (await logs.json()) as { runs: { workflowState: string }[] };
  return { ...handler, state: runs[0]?.workflowState, isMet: calls >= k };
}

const isOfSteps = ({ url: to, body }: Delivery) => to === url && body.startsWith("[");

/** How many steps a delivery brings, with the payload of the run. */
const countSteps = ({ body }: Delivery) => (JSON.parse(body) as unknown[]).length;

test.each(["before", "after"] as const)(
  "a run goes on with the result of a call without retries, whichever call of the store fails %s it",
  async (fault) => {
    const answer = async (delivery: Delivery, handler: Handler) => {
      if (delivery.url === called || (isOfSteps(delivery) && countSteps(delivery) > 1)) return 200;
      const [to, headers] = isOfSteps(delivery) ? [called, call] : [url, ofRun];
      const sent = { headers, body: JSON.stringify(step) };
      return (await handler.call("POST", `/v2/publish/${to}`, sent)).status;
    };
    for (let k = 1, isMet = true; isMet; k++) {
      const run = await runWithFault(fault, k, answer);
      const sizes = run.deliveries.filter(isOfSteps).map(countSteps);
      expect(sizes, `call ${k}`).toContain(2);
      isMet = run.isMet && k < 100;
    }
  },
);

test.each(["before", "after"] as const)(
  "the end of a run that fails is reported, whichever call of the store fails %s it",
  async (fault) => {
    for (let k = 1, isMet = true; isMet; k++) {
      const run = await runWithFault(fault, k, async ({ url: to }) => (to === url ? 500 : 200));
      expect([run.state, run.deliveries.some(({ url: to }) => to === failed)], `call ${k}`).toEqual([
        "RUN_FAILED",
        true,
      ]);
      isMet = run.isMet && k < 100;
    }
  },
);

test("a run goes on from a message whose last attempt was killed after it had stored its step", async () => {
  const store = memoryStore();
  const handler: Handler = qstashHandler({
    store,
    destination: async (delivery) => {
      if (!isOfSteps(delivery) || countSteps(delivery) > 1) return new Response();
      return handler.call("POST", `/v2/publish/${url}`, { headers: ofRun, body: JSON.stringify(step) });
    },
  });
  const { queue, clock, qstash, call } = handler;
  const headers = {
    ...{ ...ofRun, "Upstash-Workflow-Init": "true" },
    ...{ "Upstash-Retries": "0", "Upstash-Failure-Callback": failed },
  };
  await call("POST", `/v2/publish/${url}`, { headers, body: "payload" });
  // The invocation claims the message and delivers it. Its outcome never arrives.
  let exchanges = 0;
  const dying = faultyStore(store, ({ method }) =>
    method === "settle" || (method === "exchange" && ++exchanges > 1) ? "before" : undefined,
  );
  await new Queue({ store: dying, jobs: qstash.jobs, clock, logger: null }).drain({ maxJobs: 1 }).catch(() => {});
  clock.now += 3_600_000;
  await queue.drain();
  expect(handler.deliveries.filter(isOfSteps).map(countSteps)).toEqual([1, 2]);
  expect(handler.deliveries.filter(({ url: to }) => to === failed)).toEqual([]);
  // The message itself is dead, but no run has failed by it.
  expect((await queue.listDeadLetter()).jobs).toMatchObject([{ id: `${runId}:0`, error: { name: "LeaseExpired" } }]);
  const { messages } = (await (await call("GET", "/v2/workflows/dlq")).json()) as { messages: unknown[] };
  expect(messages).toEqual([]);
  expect((await call("POST", `/v2/workflows/dlq/resume/${runId}:0`)).status).toBe(404);
  expect(await (await call("POST", "/v2/workflows/dlq/resume")).json()).toEqual({ workflowRuns: [] });
});
