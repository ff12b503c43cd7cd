import { type WorkflowContext, WorkflowNonRetryableError } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/cloudflare";
import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { memoryStore } from "../../src/index.ts";
import { Documents } from "../../src/qstash/shared/documents.ts";
import { runStore } from "../../src/qstash/workflow/run-documents.ts";
import { aroundStore } from "../support/around-calls.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { servedWorkflows, token, workflowUrl } from "./served-workflows.ts";

const NO_WORKFLOW = expect.stringContaining("detected a non-workflow destination");
const page = () => new Response("<html>Please sign in</html>", { headers: { "Content-Type": "text/html" } });

onMemoryAtLeast(({ create }) => {
  describe("a run whose destination is no workflow", () => {
    test("fails at once, is reported, and is forgotten some days after its message is deleted", async () => {
      const reports: string[] = [];
      const { workflow, settle, queue, clock } = await servedWorkflows(
        {},
        {
          store: create(),
          elsewhere: ({ url, body }) => {
            if (!url.endsWith("/failed")) return page();
            reports.push(body);
            return new Response("fine");
          },
        },
      );
      const url = "https://app.example.com/login";
      const failureUrl = "https://app.example.com/failed";
      await workflow.trigger({ url, retries: 3, failureUrl, workflowRunId: "mine" });
      await settle();
      const [run] = (await workflow.logs({ workflowRunId: "wfr_mine" })).runs;
      expect(run).toMatchObject({ workflowState: "RUN_FAILED", failureFunction: { state: "CALLBACK_SUCCESS" } });
      const error = { error: NO_WORKFLOW, status: 200, body: "<html>Please sign in</html>" };
      expect(run?.steps).toMatchObject([
        { steps: [{ state: "STEP_SUCCESS" }] },
        { type: "next", steps: [{ state: "STEP_FAILED", errors: [error] }] },
      ]);
      expect(reports.map((report) => JSON.parse(report).workflowRunId)).toEqual(["wfr_mine"]);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, deadLetterCount: 1 });
      await workflow.dlq.delete({ all: true });
      clock.now += 4 * 86_400_000;
      expect((await workflow.logs()).runs).toEqual([]);
      expect(await runStore(new Documents(internalsOf(queue)), 0).runs.find("wfr_mine")).toBeUndefined();
    });

    test("fails where a page stands in for the workflow later, after a call", async () => {
      let isDown = false;
      const it = createWorkflow(async (context) => {
        await context.call("call", { url: "https://app.example.com/api" });
      });
      const { workflow, settle } = await servedWorkflows(
        { it },
        {
          store: create(),
          elsewhere: () => {
            isDown = true;
            return new Response("fine");
          },
          between: async (_, deliver) => (isDown ? page() : deliver()),
        },
      );
      await workflow.trigger({ url: workflowUrl("it"), retries: 0 });
      await settle();
      expect((await workflow.logs()).runs).toMatchObject([{ workflowState: "RUN_FAILED" }]);
    });

    test("goes on as ever if its trigger is of an SDK that does not say who answers", async () => {
      const { call, queue, settle } = await servedWorkflows({}, { store: create() });
      const headers = {
        Authorization: `Bearer ${token}`,
        "Upstash-Workflow-RunId": "wfr_old",
        "Upstash-Workflow-Init": "true",
      };
      await call("POST", "/v2/publish/https://app.example.com/old", { headers, body: "{}" });
      await settle();
      expect(await runStore(new Documents(internalsOf(queue)), 0).runs.find("wfr_old")).toMatchObject({
        state: "started",
      });
    });
  });

  describe("a run that has been invoked", () => {
    const family = async (child: (context: WorkflowContext<string>) => Promise<unknown>, store = create()) => {
      const results: unknown[] = [];
      const it = createWorkflow(async (context) => {
        const invoked = await context.invoke("child", {
          workflow: inner,
          body: "x",
          workflowRunId: "child",
          retries: 0,
        });
        results.push(invoked);
      });
      const inner = createWorkflow(child);
      const all = await servedWorkflows({ inner, it }, { store });
      await all.workflow.trigger({ url: workflowUrl("it"), workflowRunId: "parent" });
      return { ...all, results };
    };

    test("says whether it has failed or was canceled, and has a body if it has neither", async () => {
      const ends = [
        ["succeeds", async (context: WorkflowContext<string>) => context.run("one", () => 42)],
        ["fails", async () => Promise.reject(new WorkflowNonRetryableError("no"))],
        ["cancels", async (context: WorkflowContext<string>) => context.cancel()],
      ] as const;
      const seen: unknown[] = [];
      for (const [, child] of ends) {
        const { settle, results } = await family(child);
        await settle();
        seen.push(...results);
      }
      const id = { workflowRunId: "wfr_child" };
      expect(seen).toEqual([
        { ...id, body: 42, isFailed: false, isCanceled: false },
        { ...id, body: undefined, isFailed: true, isCanceled: false },
        { ...id, body: undefined, isFailed: false, isCanceled: true },
      ]);
    });

    test("brings its result to an invoker that has failed, for its log and for whoever resumes it", async () => {
      let isBroken = true;
      let invoked = 0;
      const results: unknown[] = [];
      const it = createWorkflow(async (context) => {
        const [child, own] = await Promise.all([
          context.invoke("invoke", { workflow: inner, body: "x" }),
          context.run("fail", () => {
            if (isBroken) throw new WorkflowNonRetryableError("no");
            return "fine";
          }),
        ]);
        results.push(child.body, own);
      });
      const inner = createWorkflow(async (context) => {
        invoked++;
        await context.sleep("sleep", "1h");
        return "slept";
      });
      const { workflow, settle, clock } = await servedWorkflows({ inner, it }, { store: create() });
      await workflow.trigger({ url: workflowUrl("it"), workflowRunId: "parent" });
      await settle();
      const states = async () =>
        (await workflow.logs({ workflowRunId: "wfr_parent" })).runs[0]?.steps.at(-1)?.steps.map(({ state }) => state);
      expect(await states()).toEqual(["STEP_PROGRESS", "STEP_FAILED"]);
      clock.now += 3_600_000;
      await settle();
      expect(await states()).toEqual(["STEP_SUCCESS", "STEP_FAILED"]);
      isBroken = false;
      const before = invoked;
      const { messages } = await workflow.dlq.list();
      await workflow.dlq.resume({ dlqId: messages[0]?.dlqId ?? "" });
      await settle();
      expect([results.slice(-2), invoked]).toEqual([["slept", "fine"], before]);
    });

    test("tells its invoker the end that was stored, if two ends race", async () => {
      let cancel: (() => Promise<unknown>) | undefined;
      const store = aroundStore(create(), async ({ method, parameters }, run) => {
        const isEnd = method === "changeDocuments" && JSON.stringify(parameters).includes('\\"state\\":\\"success\\"');
        const first = isEnd ? cancel : undefined;
        if (first) {
          cancel = undefined;
          await first();
        }
        return run();
      });
      const { settle, workflow, results } = await family(async (context) => context.run("one", () => 42), store);
      cancel = () => workflow.cancel("wfr_child");
      await settle();
      expect(cancel).toBeUndefined();
      const { runs } = await workflow.logs({ workflowRunId: "wfr_child" });
      expect(runs).toMatchObject([{ workflowState: "RUN_CANCELED" }]);
      expect(results).toEqual([{ workflowRunId: "wfr_child", isFailed: false, isCanceled: true }]);
    });

    test("tells its invoker when its end is repeated, if the first request broke off", async () => {
      let breaks = false;
      const store = aroundStore(create(), async ({ method, parameters }, run) => {
        if (breaks && method === "enqueue" && JSON.stringify(parameters).includes("isCanceled")) {
          breaks = false;
          throw new Error("killed");
        }
        return run();
      });
      const { settle, workflow, results } = await family(async (context) => context.sleep("long", "1d"), store);
      await settle();
      breaks = true;
      await expect(workflow.cancel("wfr_child")).rejects.toThrow();
      await settle();
      expect(results).toEqual([]);
      expect(await workflow.cancel("wfr_child")).toEqual({ cancelled: 0 });
      await settle();
      expect(results).toMatchObject([{ isCanceled: true }]);
    });
  });

  test("logs show the parallel step that a run has failed by, and the one that is retried", async () => {
    const both = createWorkflow(async (context) => {
      await Promise.all([
        context.run("good", () => 1),
        context.sleep("long", "1d"),
        context.run("bad", () => {
          throw context.requestPayload === "once" ? new Error("again") : new WorkflowNonRetryableError("no");
        }),
      ]);
    });
    const { workflow, settle } = await servedWorkflows({ both }, { store: create() });
    const stepsOf = async (workflowRunId: string) => {
      const [run] = (await workflow.logs({ workflowRunId })).runs;
      const group = run?.steps.find(({ type }) => type === "parallel");
      return group?.steps.map((step) => {
        const { stepName, state, errors } = step as { stepName?: string; state: string; errors?: { body: string }[] };
        return [stepName, state, errors?.map(({ body }) => JSON.parse(body).message)];
      });
    };
    await workflow.trigger({ url: workflowUrl("both"), workflowRunId: "failed", retries: 0 });
    await workflow.trigger({ url: workflowUrl("both"), workflowRunId: "retried", body: "once" });
    await settle();
    const good = ["good", "STEP_SUCCESS", undefined];
    const long = ["long", "STEP_PROGRESS", undefined];
    expect(await stepsOf("wfr_failed")).toEqual([good, long, ["bad", "STEP_FAILED", ["no"]]]);
    expect(await stepsOf("wfr_retried")).toEqual([
      good,
      long,
      ["bad", "STEP_RETRY", [expect.stringContaining("again")]],
    ]);
  });

  describe("a run can be started", () => {
    const counting = async () => {
      const seen: unknown[] = [];
      const failed: unknown[] = [];
      const it = createWorkflow(
        async (context: WorkflowContext<unknown>) => {
          const { requestPayload, workflowRunId } = context;
          if (requestPayload === "fails") throw new WorkflowNonRetryableError("no");
          await context.run("one", () => seen.push([requestPayload, workflowRunId, context.headers.get("x-a")]));
          await context.run("two", () => seen.push("two"));
        },
        {
          failureFunction: async ({ context }) => {
            failed.push([context.requestPayload, context.workflowRunId]);
          },
        },
      );
      return { ...(await servedWorkflows({ it }, { store: create() })), seen, failed };
    };

    test("for an SDK that is not known, and runs its steps once", async () => {
      const { workflow, settle, seen, queue } = await counting();
      const headers = { "Upstash-Workflow-Unknown-Sdk": "true", "X-A": "b" };
      await workflow.trigger({ url: workflowUrl("it"), body: "ü", headers, workflowRunId: "mine" });
      await settle();
      expect(seen).toEqual([["ü", "wfr_mine", "b"], "two"]);
      expect((await workflow.logs()).runs).toMatchObject([{ workflowState: "RUN_SUCCESS" }]);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, deadLetterCount: 0 });
    });

    test("by plain HTTP, and reports a failure to its workflow", async () => {
      const { call, settle, seen, failed, workflow } = await counting();
      const trigger = async (body: string) => {
        const init = { headers: { Authorization: `Bearer ${token}`, "Upstash-Forward-X-A": "b" }, body };
        const answer = await call("POST", `/v2/trigger/${workflowUrl("it")}`, init);
        return { code: answer.status, ...((await answer.json()) as { workflowRunId: string }) };
      };
      const fine = await trigger("fine");
      expect(fine).toMatchObject({
        code: 201,
        workflowRunId: expect.stringMatching(/^wfr_/),
        workflowCreatedAt: expect.any(Number),
      });
      const fails = await trigger("fails");
      await settle();
      expect(seen).toEqual([["fine", fine.workflowRunId, "b"], "two"]);
      expect(failed).toEqual([["fails", fails.workflowRunId]]);
      const state = async (filter: object) =>
        (await workflow.logs({ filter })).runs.map(({ workflowRunId }) => workflowRunId);
      expect(await state({ state: "RUN_SUCCESS" })).toEqual([fine.workflowRunId]);
      expect(await state({ messageId: `${fails.workflowRunId}:0` })).toEqual([fails.workflowRunId]);
      expect(await state({ callerIp: "192.0.2.1" })).toEqual([]);
    });
  });
});

test.for([4, 6, 12])("a step of %s MB fails its run at once, and its work is done once", async (megabytes) => {
  let done = 0;
  const it = createWorkflow(async (context) => {
    await context.run("large", () => {
      done++;
      return "x".repeat(megabytes * 1_000_000);
    });
  });
  const { workflow, settle, clock } = await servedWorkflows({ it }, { store: memoryStore() });
  await workflow.trigger({ url: workflowUrl("it"), retries: 2 });
  await settle();
  clock.now += 86_400_000;
  await settle();
  expect((await workflow.logs()).runs).toMatchObject([{ workflowState: "RUN_FAILED" }]);
  expect(done).toBe(1);
});

test.for([30, "30s"] as const)("a call may take as long as its timeout of %s says", async (timeout) => {
  let status: number | undefined;
  const it = createWorkflow(async (context) => {
    ({ status } = await context.call("call", { url: "https://app.example.com/api", timeout }));
  });
  const { workflow, settle, queue } = await servedWorkflows({ it }, { store: memoryStore() });
  await workflow.trigger({ url: workflowUrl("it"), workflowRunId: "mine" });
  await queue.drain({ maxJobs: 1 });
  expect((await queue.getJob("wfr_mine:1:call"))?.payload).toMatchObject({ timeoutMs: 30_000 });
  await settle();
  expect(status).toBe(200);
});
