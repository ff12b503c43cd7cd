import {
  type WorkflowContext,
  WorkflowNonRetryableError,
  WorkflowRetryAfterError,
  type WorkflowServeOptions,
} from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/cloudflare";
import { describe, expect, test } from "vitest";
import { aroundStore } from "../support/around-calls.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import type { Delivery } from "./served-qstash.ts";
import { servedWorkflows, workflowUrl } from "./served-workflows.ts";

const api = "https://app.example.com/api";

onMemoryAtLeast(({ create }) => {
  /** Serves one workflow, and keeps what it did. */
  const served = async (
    run: (context: WorkflowContext<unknown>, did: (what: string) => void) => Promise<unknown>,
    parts: Parameters<typeof servedWorkflows>[1] & { options?: WorkflowServeOptions<unknown, unknown> } = {},
  ) => {
    const done: string[] = [];
    const { options, ...rest } = parts;
    const it = createWorkflow((context: WorkflowContext<unknown>) => run(context, (what) => done.push(what)), options);
    const all = await servedWorkflows({ it }, { store: create(), ...rest });
    return { ...all, done, trigger: (more = {}) => all.workflow.trigger({ url: workflowUrl("it"), ...more }) };
  };

  describe("a workflow", () => {
    test("runs its steps one after the other, each once, with the results of those before", async () => {
      let result: unknown;
      const { trigger, settle, done, queue } = await served(async (context, did) => {
        const one = await context.run("one", () => {
          did("one");
          return { input: context.requestPayload };
        });
        result = await context.run("two", async () => {
          did("two");
          return [one];
        });
      });
      await trigger({ body: { order: "ü1" } });
      await settle();
      expect(done).toEqual(["one", "two"]);
      expect(result).toEqual([{ input: { order: "ü1" } }]);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, deadLetterCount: 0 });
    });

    test("sees its payload, its headers, its label and its run in each step", async () => {
      const seen: unknown[] = [];
      const { trigger, settle, clock } = await served(async (context) => {
        const { workflowRunId, workflowRunCreatedAt, url, labels, requestPayload } = context;
        const see = () => {
          const tenant = context.headers.get("x-tenant");
          seen.push({ workflowRunId, workflowRunCreatedAt, url, labels, requestPayload, tenant });
        };
        await context.run("one", see);
        await context.run("two", see);
      });
      const { workflowRunId } = await trigger({
        ...{ body: "the body", workflowRunId: "mine", label: ["a", "b"], headers: { "X-Tenant": "acme" } },
      });
      await settle();
      const once = {
        ...{ workflowRunId: "wfr_mine", workflowRunCreatedAt: clock.now, url: workflowUrl("it") },
        ...{ labels: ["a", "b"], requestPayload: "the body", tenant: "acme" },
      };
      expect([workflowRunId, ...seen]).toEqual(["wfr_mine", once, once]);
    });

    test("begins after the delay of its trigger", async () => {
      const { trigger, settle, done, clock } = await served(async (context, did) => {
        await context.run("one", () => did("one"));
      });
      await trigger({ delay: "10m" });
      clock.now += 599_000;
      await settle();
      expect(done).toEqual([]);
      clock.now += 1_000;
      await settle();
      expect(done).toEqual(["one"]);
    });

    test("begins once for one run id", async () => {
      const { trigger, settle, done, clock } = await served(async (context, did) => {
        await context.run("one", () => did(String(context.requestPayload)));
      });
      await trigger({ workflowRunId: "mine", body: "first" });
      await trigger({ workflowRunId: "mine", body: "second" });
      await settle();
      await trigger({ workflowRunId: "mine", body: "third" });
      await settle();
      clock.now += 2 * 86_400_000;
      await settle();
      await trigger({ workflowRunId: "mine", body: "fourth" });
      await settle();
      expect(done).toEqual(["first"]);
    });

    test("can be begun by a plain request to its URL, as a schedule sends it", async () => {
      const { client, settle, done } = await served(async (context, did) => {
        await context.run("one", () => did(JSON.stringify(context.requestPayload)));
      });
      await client.publishJSON({ url: workflowUrl("it"), body: { plain: true } });
      await settle();
      expect(done).toEqual(['{"plain":true}']);
    });

    test("sleeps for as long as it says, and until when it says", async () => {
      const { trigger, settle, done, clock } = await served(async (context, did) => {
        await context.run("one", () => did("one"));
        await context.sleep("an hour", 3_600);
        await context.run("two", () => did("two"));
        await context.sleepUntil("a date", new Date(begin + 7_200_000));
        await context.run("three", () => did("three"));
      });
      const begin = clock.now;
      await trigger();
      await settle();
      clock.now += 3_599_000;
      await settle();
      expect(done).toEqual(["one"]);
      clock.now += 1_000;
      await settle();
      expect(done).toEqual(["one", "two"]);
      clock.now += 3_600_000;
      await settle();
      expect(done).toEqual(["one", "two", "three"]);
    });

    test("runs steps in parallel, and goes on when all have ended", async () => {
      let joined: unknown;
      const { trigger, settle, done, clock } = await served(async (context, did) => {
        await context.run("before", () => did("before"));
        const steps = [1, 2, 3].map((each) =>
          context.run(`step ${each}`, () => {
            did(`step ${each}`);
            return each;
          }),
        );
        joined = await Promise.all([...steps, context.sleep("a minute", 60)]);
        await context.run("after", () => did("after"));
        const sides = ["left", "right"].map((side) =>
          context.run(side, () => {
            did(side);
            return side;
          }),
        );
        const ends = await Promise.all(sides);
        await context.run("end", () => did(ends.join()));
      });
      await trigger();
      await settle();
      expect(done.toSorted()).toEqual(["before", "step 1", "step 2", "step 3"]);
      clock.now += 60_000;
      await settle();
      expect(joined).toEqual([1, 2, 3, undefined]);
      expect(done.slice(4).toSorted()).toEqual(["after", "left", "left,right", "right"]);
    });

    test("sends requests for its steps, and gets their responses as results", async () => {
      const calls: Delivery[] = [];
      const elsewhere = (delivery: Delivery) => {
        calls.push(delivery);
        return Response.json({ ü: delivery.body }, { status: 201, headers: { "X-A": "1" } });
      };
      let response: unknown;
      const { trigger, settle, done } = await served(
        async (context, did) => {
          response = await context.call("charge", {
            ...{ url: api, method: "POST", body: JSON.stringify({ amount: 5 }), headers: { "X-Key": "k" } },
          });
          await context.run("after", () => did("after"));
        },
        { elsewhere },
      );
      await trigger({ headers: { "X-Tenant": "acme" } });
      await settle();
      expect(calls.map(({ url, method, body }) => ({ url, method, body }))).toEqual([
        { url: api, method: "POST", body: '{"amount":5}' },
      ]);
      expect(calls[0]?.headers.get("x-key")).toBe("k");
      const names = [...(calls[0]?.headers.keys() ?? [])];
      expect(names.filter((name) => name.startsWith("upstash-workflow") || name === "x-tenant")).toEqual([]);
      expect(response).toMatchObject({ status: 201, body: { ü: '{"amount":5}' }, header: { "X-A": ["1"] } });
      expect(done).toEqual(["after"]);
    });

    test.each([
      ["after its retries", 500, {}, 3],
      ["at once if it asks for no retry", 489, { "Upstash-NonRetryable-Error": "true" }, 1],
    ])("gets a failed call as a result %s", async (_, status, headers: Record<string, string>, times) => {
      let calls = 0;
      const elsewhere = () => {
        calls++;
        return new Response("no", { status, headers });
      };
      let response: unknown;
      const { trigger, settle, clock, queue } = await served(
        async (context) => {
          response = await context.call("charge", { url: api, retries: 2, retryDelay: "1000" });
        },
        { elsewhere },
      );
      await trigger();
      for (let round = 0; round < 3; round++) {
        await settle();
        clock.now += 1_000;
      }
      expect(calls).toBe(times);
      expect(response).toMatchObject({ status, body: "no" });
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0, pendingCount: 0 });
    });

    test("retries a failed step alone, as often as its trigger says", async () => {
      let failures = 2;
      const { trigger, settle, done, clock } = await served(async (context, did) => {
        await context.run("one", () => did("one"));
        await context.run("two", () => {
          did("two");
          if (failures-- > 0) throw new Error("not yet");
        });
      });
      await trigger({ retries: 2, retryDelay: "1000" });
      for (let round = 0; round < 3; round++) {
        await settle();
        clock.now += 1_000;
      }
      expect(done).toEqual(["one", "two", "two", "two"]);
    });

    test("waits for as long as a step asks for", async () => {
      let failures = 1;
      const { trigger, settle, done, clock } = await served(async (context, did) => {
        await context.run("one", () => {
          did("one");
          if (failures-- > 0) throw new WorkflowRetryAfterError("busy", 60);
        });
      });
      await trigger();
      await settle();
      clock.now += 59_000;
      await settle();
      expect(done).toEqual(["one"]);
      clock.now += 1_000;
      await settle();
      expect(done).toEqual(["one", "one"]);
    });

    test("calls its failure function once its retries are used up", async () => {
      const failures: unknown[] = [];
      const options: WorkflowServeOptions<unknown, unknown> = {
        failureFunction: async ({ context, failStatus, failResponse }) => {
          const { workflowRunId, requestPayload, workflowRunCreatedAt } = context;
          failures.push({ failStatus, failResponse, workflowRunId, requestPayload, workflowRunCreatedAt });
        },
      };
      const { trigger, settle, clock } = await served(
        async (context) => {
          await context.run("one", () => "fine");
          await context.run("two", () => {
            throw new Error("never");
          });
        },
        { options },
      );
      const createdAt = clock.now;
      await trigger({ workflowRunId: "mine", body: { order: 1 }, retries: 1, retryDelay: "1000" });
      await settle();
      expect(failures).toEqual([]);
      clock.now += 1_000;
      await settle();
      expect(failures).toEqual([
        {
          ...{ failStatus: 500, failResponse: "never", workflowRunId: "wfr_mine" },
          ...{ requestPayload: { order: 1 }, workflowRunCreatedAt: createdAt },
        },
      ]);
    });

    test("fails at once where a step asks for no retry, and reports that to its failure URL", async () => {
      const reports: Delivery[] = [];
      const elsewhere = (delivery: Delivery) => {
        reports.push(delivery);
        return new Response("");
      };
      const { trigger, settle, queue } = await served(
        async (context) => {
          await context.run("one", () => {
            throw new WorkflowNonRetryableError("bad state");
          });
        },
        { elsewhere },
      );
      await trigger({ failureUrl: api });
      await settle();
      expect(reports.map(({ url }) => url)).toEqual([api]);
      expect(JSON.parse(reports[0]?.body ?? "")).toMatchObject({ status: 489, url: workflowUrl("it") });
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 1, pendingCount: 0 });
    });

    test("can cancel itself, and can be cancelled while it sleeps", async () => {
      const { trigger, settle, done, workflow, queue, call } = await served(async (context, did) => {
        if (context.requestPayload === "itself") await context.cancel();
        await context.run("one", () => did("one"));
        await context.sleep("a year", 31_536_000);
        await context.run("two", () => did("two"));
      });
      await trigger({ body: "itself", workflowRunId: "itself" });
      await trigger({ workflowRunId: "other" });
      await settle();
      expect(done).toEqual(["one"]);
      expect((await call("DELETE", "/v2/workflows/runs/wfr_other")).status).toBe(200);
      expect((await call("DELETE", "/v2/workflows/runs/wfr_none")).status).toBe(404);
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0, pendingCount: 0 });
      expect(workflow).toBeDefined();
    });

    test("waits for an event, and gets its data", async () => {
      const eventId = "paid";
      const results: unknown[] = [];
      const { trigger, settle, workflow, queue, clock } = await served(async (context) => {
        results.push(await context.waitForEvent("wait", eventId, { timeout: "1h" }));
      });
      await trigger({ workflowRunId: "a" });
      await trigger({ workflowRunId: "b" });
      await settle();
      const deadline = clock.now / 1_000 + 3_600;
      const waiter = { url: workflowUrl("it"), deadline };
      expect(await workflow.getWaiters({ eventId })).toMatchObject([waiter, waiter]);
      expect(await workflow.notify({ eventId, eventData: { amount: "5 €" } })).toMatchObject([
        { waiter, error: "", workflowRunId: "wfr_a" },
        { waiter, error: "", workflowRunId: "wfr_b" },
      ]);
      await settle();
      const once = { eventData: { amount: "5 €" }, timeout: false };
      expect(results).toEqual([once, once]);
      expect(await workflow.getWaiters({ eventId })).toEqual([]);
      expect(await workflow.notify({ eventId })).toEqual([]);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, deadLetterCount: 0 });
    });

    test("goes on at the deadline of a wait without the event", async () => {
      const results: unknown[] = [];
      const { trigger, settle, workflow, clock } = await served(async (context) => {
        results.push(await context.waitForEvent("wait", "paid", { timeout: 60 }));
      });
      await trigger();
      await settle();
      clock.now += 59_999;
      await settle();
      expect(results).toEqual([]);
      clock.now += 1;
      await settle();
      expect(results).toEqual([{ eventData: undefined, timeout: true }]);
      expect(await workflow.notify({ eventId: "paid", eventData: "late" })).toEqual([]);
    });

    test("is not said to be woken by an event whose wait ends first", async () => {
      const results: unknown[] = [];
      const race: { end?: () => Promise<void> } = {};
      // The deadline passes when the wait has been read, and before the event is enqueued.
      const store = aroundStore(create(), async ({ method }, run) => {
        const { end } = race;
        if (method !== "enqueue" || !end) return run();
        delete race.end;
        await end();
        return run();
      });
      const { trigger, settle, workflow, clock } = await served(
        async (context) => {
          results.push(await context.waitForEvent("wait", "paid", { timeout: "1h" }));
          await context.sleep("sleep", "1h");
        },
        { store },
      );
      const { workflowRunId } = await trigger();
      await settle();
      race.end = async () => {
        clock.now += 3_600_000;
        await settle();
      };
      expect(await workflow.notify({ eventId: "paid", eventData: "late", workflowRunId })).toEqual([]);
      await settle();
      expect(results).toEqual([{ eventData: undefined, timeout: true }]);
    });

    test("waits for an event whose id has slashes", async () => {
      const results: unknown[] = [];
      const eventId = "orders/1/paid ü";
      const { trigger, settle, workflow } = await served(async (context) => {
        for (const name of ["first", "second"])
          results.push((await context.waitForEvent(name, eventId, { timeout: "1h" })).eventData);
      });
      await trigger({ workflowRunId: "mine" });
      await settle();
      expect(await workflow.getWaiters({ eventId })).toHaveLength(1);
      expect(await workflow.notify({ eventId, eventData: "to all" })).toHaveLength(1);
      await settle();
      expect(await workflow.notify({ eventId, eventData: "to one", workflowRunId: "wfr_mine" })).toHaveLength(1);
      await settle();
      expect(results.slice(-2)).toEqual(["to all", "to one"]);
      await expect(workflow.notify({ eventId, workflowRunId: "wfr_none" })).rejects.toMatchObject({ status: 404 });
    });

    test("gets an event for its run that came before it waited, and each one once", async () => {
      const results: unknown[] = [];
      const { trigger, settle, workflow } = await served(async (context) => {
        for (const name of ["first", "second", "third"])
          results.push((await context.waitForEvent(name, "paid", { timeout: "1h" })).eventData);
      });
      const { workflowRunId } = await trigger();
      await workflow.notify({ eventId: "paid", eventData: "one", workflowRunId });
      await workflow.notify({ eventId: "paid", eventData: "two", workflowRunId });
      await settle();
      await workflow.notify({ eventId: "paid", eventData: "three", workflowRunId });
      await settle();
      expect(results.slice(-3)).toEqual(["one", "two", "three"]);
      await expect(workflow.notify({ eventId: "paid", workflowRunId })).rejects.toThrow(
        "No run in progress has this id",
      );
    });

    test("notifies another run from a step", async () => {
      const results: unknown[] = [];
      const all = await servedWorkflows(
        {
          waits: createWorkflow(async (context) => {
            results.push(await context.waitForEvent("wait", "paid", { timeout: "1h" }));
          }),
          notifies: createWorkflow(async (context) => {
            results.push(await context.notify("notify", "paid", { amount: 5 }));
          }),
        },
        { store: create() },
      );
      await all.workflow.trigger({ url: workflowUrl("waits"), workflowRunId: "waits" });
      await all.settle();
      await all.workflow.trigger({ url: workflowUrl("notifies") });
      await all.settle();
      expect(results).toContainEqual({ eventData: { amount: 5 }, timeout: false });
      expect(results).toContainEqual(
        expect.objectContaining({
          eventId: "paid",
          notifyResponse: [expect.objectContaining({ workflowRunId: "wfr_waits" })],
        }),
      );
    });

    test("creates webhooks, and gets what is sent to them", async () => {
      let address = "";
      const results: unknown[] = [];
      const { trigger, settle, clock } = await served(async (context) => {
        const webhook = await context.createWebhook("create");
        await context.run("publish", () => {
          address = webhook.webhookUrl;
        });
        for (const name of ["one", "two"]) {
          const { request, timeout } = await context.waitForWebhook(name, webhook, "1m");
          results.push(
            timeout ? "timeout" : `${request.method} ${new URL(request.url).search} ${await request.text()}`,
          );
        }
      });
      await trigger();
      await settle();
      expect((await fetch(`${address}?a=1`, { method: "POST", body: "ü" })).status).toBe(200);
      expect((await fetch(`${address}x`, { method: "POST", body: "ü" })).status).toBe(404);
      await settle();
      expect(results.at(-1)).toBe("POST ?a=1 ü");
      clock.now += 60_000;
      await settle();
      expect(results.slice(-2)).toEqual(["POST ?a=1 ü", "timeout"]);
      expect((await fetch(address, { method: "POST" })).status).toBe(404);
    });

    test("an address of no webhook is not found, though the run waits for that event, for one small command or none", async () => {
      const reads: string[] = [];
      const watched = aroundStore(create(), ({ method, parameters: [kind] }, run) => {
        if (isWatched) reads.push(`${method} ${kind}`);
        return run();
      });
      let isWatched = false;
      const { workflow, settle, baseUrl } = await servedWorkflows(
        {
          it: createWorkflow(async (context) => {
            await context.createWebhook("create");
            await context.waitForEvent("wait", "paid", { timeout: "1m" });
          }),
        },
        { store: watched },
      );
      await workflow.trigger({ url: workflowUrl("it"), workflowRunId: "1" });
      await settle();
      isWatched = true;
      const call = (path: string) => fetch(`${baseUrl}/v2/workflows/hooks/${path}`, { method: "POST", body: "x" });
      for (const user of ["u", "", "default"]) expect((await call(`${user}/wfr_1/paid`)).status).toBe(404);
      expect(reads).toEqual([]);
      for (const path of ["wfr_1/paid", "wfr_1/guess", "other/paid"]) {
        reads.length = 0;
        expect((await call(`defaultUser/${path}`)).status).toBe(404);
        expect(reads).toEqual(["findDocument workflow-wait"]);
      }
    });

    test("invokes another workflow, and gets what it returns", async () => {
      const results: unknown[] = [];
      const double = createWorkflow(async (context: WorkflowContext<number>) => {
        const input = context.requestPayload;
        return await context.run("double", () => input * 2);
      });
      const fails = createWorkflow(async (context) => {
        await context.run("fail", () => {
          throw new WorkflowNonRetryableError("no");
        });
      });
      const cancels = createWorkflow(async (context) => {
        await context.run("one", () => 1);
        await context.cancel();
      });
      const it = createWorkflow(async (context) => {
        const doubled = await context.invoke("double it", { workflow: double, body: 21, headers: { "X-A": "1" } });
        const others = await Promise.all([
          context.invoke("fail", { workflow: fails, body: "" }),
          context.invoke("cancel", { workflow: cancels, body: "" }),
        ]);
        results.push(doubled, ...others);
      });
      const { workflow, settle, queue } = await servedWorkflows({ double, fails, cancels, it }, { store: create() });
      await workflow.trigger({ url: workflowUrl("it") });
      await settle();
      expect(results).toMatchObject([{ body: 42 }, { isFailed: true }, { isCanceled: true }]);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, deadLetterCount: 1 });
    });

    test("fails at once where a step may not go to its target, and says so", async () => {
      const failures: unknown[] = [];
      const options: WorkflowServeOptions<unknown, unknown> = {
        failureFunction: async ({ failResponse }) => {
          failures.push(failResponse);
        },
      };
      const { trigger, settle } = await served(
        async (context) => {
          await context.call("elsewhere", { url: "https://elsewhere.test/" });
        },
        { options },
      );
      await trigger();
      await settle();
      expect(failures).toEqual([expect.stringContaining("not among the targets")]);
    });

    describe("that has failed", () => {
      const failing = async (parts: { failureFunction?: () => Promise<string> } = {}) => {
        const state = { isFixed: false };
        const { failureFunction } = parts;
        const all = await served(
          async (context, did) => {
            const one = await context.run("one", () => {
              did("one");
              return "first";
            });
            await Promise.all([
              context.run("left", () => did("left")),
              context.run("right", () => {
                did("right");
                if (!state.isFixed) throw new WorkflowNonRetryableError("not yet");
              }),
              context.sleep("an hour", 3_600),
            ]);
            await context.run("after", () => did(`after ${one} of ${context.requestPayload}`));
          },
          { options: { retries: 0, ...(failureFunction && { failureFunction }) } as never },
        );
        await all.trigger({ workflowRunId: "mine", body: "payload", label: "urgent" });
        await all.settle();
        return { ...all, state };
      };

      test("is in the dead letter, and can be resumed from where it failed", async () => {
        const { workflow, settle, done, state, clock, queue } = await failing();
        const { messages } = await workflow.dlq.list({ filter: { workflowUrl: workflowUrl("it"), label: "urgent" } });
        expect(messages).toMatchObject([
          {
            ...{ workflowRunId: "wfr_mine", workflowUrl: workflowUrl("it"), workflowCreatedAt: clock.now },
            ...{ responseStatus: 489, label: "urgent", failureCallback: workflowUrl("it") },
            failureCallbackInfo: { state: "CALLBACK_SUCCESS" },
          },
        ]);
        expect(done.toSorted()).toEqual(["left", "one", "right"]);
        state.isFixed = true;
        const dlqId = messages[0]?.dlqId ?? "";
        const { workflowRuns } = await workflow.dlq.resume([dlqId]);
        expect(workflowRuns).toMatchObject([{ workflowRunId: expect.stringMatching(/^wfr_/) }]);
        expect(workflowRuns[0]?.workflowRunId).not.toBe("wfr_mine");
        await settle();
        clock.now += 3_600_000;
        await settle();
        expect(done.slice(3)).toEqual(["right", "after first of payload"]);
        expect((await workflow.dlq.list()).messages).toEqual([]);
        expect(await queue.getStats()).toMatchObject({ pendingCount: 0, deadLetterCount: 0 });
      });

      test("can be restarted", async () => {
        const { workflow, settle, done, state, clock } = await failing();
        state.isFixed = true;
        const { workflowRuns } = await workflow.dlq.restart({ all: true }, { retries: 1 });
        expect(workflowRuns).toHaveLength(1);
        await settle();
        clock.now += 3_600_000;
        await settle();
        expect(done.slice(3).toSorted()).toEqual(["after first of payload", "left", "one", "right"]);
        expect(done.at(-1)).toBe("after first of payload");
      });

      test("is resumed by a retry of its dead message", async () => {
        const { client, settle, done, state, clock } = await failing();
        state.isFixed = true;
        const { messages } = await client.dlq.listMessages();
        await client.dlq.retry(messages[0]?.dlqId ?? "");
        await settle();
        clock.now += 3_600_000;
        await settle();
        expect(done.slice(3)).toEqual(["right", "after first of payload"]);
        expect((await client.dlq.listMessages()).messages).toEqual([]);
      });

      test("can have its failure function called again, if that has failed", async () => {
        let calls = 0;
        const failureFunction = async () => {
          if (calls++ < 4) throw new Error("not yet");
          return "fine";
        };
        const { workflow, settle, clock } = await failing({ failureFunction });
        for (let round = 0; round < 4; round++) {
          clock.now += 86_400_000;
          await settle();
        }
        const failed = { failureFunctionState: "CALLBACK_FAIL" };
        const { messages } = await workflow.dlq.list({ filter: failed });
        expect(messages).toMatchObject([{ failureCallbackInfo: { state: "CALLBACK_FAIL", responseStatus: 500 } }]);
        const dlqId = messages[0]?.dlqId ?? "";
        expect(await workflow.dlq.retryFailureFunction({ dlqId })).toMatchObject({ workflowRunId: "wfr_mine" });
        await settle();
        expect(calls).toBe(5);
        expect((await workflow.dlq.list({ filter: failed })).messages).toEqual([]);
        await expect(workflow.dlq.retryFailureFunction({ dlqId })).rejects.toThrow("has not failed");
      });

      test("can be deleted from the dead letter", async () => {
        const { workflow } = await failing();
        expect(await workflow.dlq.delete({ filter: { workflowRunId: "wfr_mine" } })).toMatchObject({ deleted: 1 });
        expect((await workflow.dlq.list()).messages).toEqual([]);
        expect(await workflow.dlq.delete({ all: true })).toMatchObject({ deleted: 0 });
      });
    });

    describe("in logs", () => {
      test("shows its steps and their results, the newest run first", async () => {
        const { trigger, settle, workflow, clock, call } = await served(async (context) => {
          await context.run("one", () => ({ a: 1 }));
          await Promise.all([context.run("left", () => "l"), context.run("right", () => "r")]);
          if (context.requestPayload === "fails") throw new WorkflowNonRetryableError("no");
          await context.sleep("a day", 86_400);
          return { done: true };
        });
        const created = clock.now;
        await trigger({ workflowRunId: "a", label: ["x", "y"] });
        clock.now += 1;
        await trigger({ workflowRunId: "b", body: "fails" });
        await settle();
        const { runs } = await workflow.logs();
        expect(runs).toMatchObject([
          {
            ...{ workflowRunId: "wfr_b", workflowState: "RUN_FAILED", dlqId: expect.any(String) },
            failureFunction: { state: "CALLBACK_SUCCESS", failStatus: 489, url: workflowUrl("it") },
          },
          { workflowRunId: "wfr_a", workflowState: "RUN_STARTED", labels: ["x", "y"], workflowRunCreatedAt: created },
        ]);
        const step = { callType: "step", concurrent: 1, state: "STEP_SUCCESS", retries: 3 };
        expect(runs[1]?.steps).toMatchObject([
          { type: "sequential", steps: [{ ...step, stepName: "init", stepType: "Initial" }] },
          { type: "sequential", steps: [{ ...step, stepId: 1, stepName: "one", stepType: "Run", out: '{"a":1}' }] },
          {
            type: "parallel",
            steps: [
              { ...step, concurrent: 2, stepName: "left", out: '"l"' },
              { ...step, concurrent: 2, stepName: "right", out: '"r"' },
            ],
          },
          { type: "sequential", steps: [{ ...step, stepName: "a day", stepType: "SleepFor", sleepFor: 86_400 }] },
          { type: "next", steps: [{ state: "STEP_PROGRESS" }] },
        ]);
        clock.now += 86_400_000;
        await settle();
        const [ended] = (await workflow.logs({ filter: { workflowRunId: "wfr_a" } })).runs;
        expect(ended).toMatchObject({
          ...{ workflowState: "RUN_SUCCESS", workflowRunResponse: '{"done":true}', workflowRunCompletedAt: clock.now },
        });
        const states = async (filter: object) =>
          (await workflow.logs({ filter })).runs.map(({ workflowRunId }) => workflowRunId);
        expect(await states({ state: "RUN_FAILED" })).toEqual(["wfr_b"]);
        expect(await states({ label: ["y", "z"] })).toEqual(["wfr_a"]);
        expect(await states({ workflowUrl: workflowUrl("it"), toDate: created })).toEqual(["wfr_a"]);
        const page = await workflow.logs({ count: 1 });
        expect(page.runs).toMatchObject([{ workflowRunId: "wfr_b" }]);
        expect((await workflow.logs({ count: 1, cursor: page.cursor })).runs).toMatchObject([
          { workflowRunId: "wfr_a" },
        ]);
        expect((await call("GET", "/v2/workflows/events?nothing=1")).status).toBe(400);
      });

      test("hides what its trigger redacts", async () => {
        const { trigger, settle, workflow, queue } = await served(async (context) => {
          await context.run("one", () => "the secret result");
          await context.sleep("a day", 86_400);
        });
        await trigger({
          ...{ body: "the secret payload", headers: { Authorization: "the secret header" }, workflowRunId: "mine" },
          redact: { body: true, header: ["Authorization"] },
        });
        const shown = [await workflow.logs()] as unknown[];
        shown.push(await queue.listJobs({ state: "ready" }));
        await settle();
        shown.push(await workflow.logs(), await queue.listJobs({ state: "scheduled" }));
        shown.push(await queue.listJobs({ state: "completed" }));
        expect(JSON.stringify(shown)).not.toContain("secret");
        expect(JSON.stringify(shown)).toContain("REDACTED:");
      });
    });

    test("can be cancelled by its id, its URL, its label, and all at once", async () => {
      const { trigger, settle, workflow, done, clock, queue } = await served(async (context, did) => {
        await context.sleep("an hour", 3_600);
        await context.waitForEvent("wait", "paid", { timeout: "1d" });
        await context.run("one", () => did("one"));
      });
      for (const workflowRunId of ["a", "b", "c", "d", "e", "f"])
        await trigger({ workflowRunId, label: `of-${workflowRunId}` });
      await settle();
      expect(await workflow.cancel("wfr_a")).toEqual({ cancelled: 1 });
      expect(await workflow.cancel(["wfr_a", "wfr_b", "wfr_none"])).toEqual({ cancelled: 1 });
      expect(await workflow.cancel({ filter: { label: "of-c" } })).toEqual({ cancelled: 1 });
      expect(await workflow.cancel({ filter: { workflowUrl: "https://app.test/" } })).toEqual({ cancelled: 0 });
      clock.now += 3_600_000;
      await settle();
      expect(await workflow.cancel({ filter: { workflowUrlStartingWith: "https://app.test/" }, count: 1 })).toEqual({
        cancelled: 1,
      });
      expect(await workflow.cancel({ all: true })).toEqual({ cancelled: 2 });
      expect(await workflow.notify({ eventId: "paid" })).toEqual([]);
      await settle();
      expect(done).toEqual([]);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, deadLetterCount: 0 });
      expect((await workflow.logs({ filter: { state: "RUN_CANCELED" } })).runs).toHaveLength(6);
    });

    test("keeps the limits of its flow control key in each step", async () => {
      let running = 0;
      let most = 0;
      const { trigger, settle, done, workflow, clock } = await served(async (context, did) => {
        const steps = ["left", "right"].map((name) =>
          context.run(name, async () => {
            most = Math.max(most, ++running);
            await new Promise((resolve) => setImmediate(resolve));
            running--;
            did(name);
          }),
        );
        await Promise.all(steps);
      });
      const flowControl = { key: "tenant", parallelism: 1, rate: 4, period: "1m" };
      await trigger({ flowControl, workflowRunId: "a" });
      await trigger({ flowControl, workflowRunId: "b" });
      for (let round = 0; round < 6; round++) {
        await settle();
        clock.now += 60_000;
      }
      expect(done.toSorted()).toEqual(["left", "left", "right", "right"]);
      expect(most).toBe(1);
      expect((await workflow.logs({ filter: { flowControlKey: "tenant" } })).runs).toHaveLength(2);
    });

    test("gets steps that are large together by fetching them", async () => {
      const large = "x".repeat(400_000);
      const sizes: number[] = [];
      let result: unknown;
      const { trigger, settle } = await served(
        async (context) => {
          const parts = [];
          for (const name of ["one", "two", "three"]) parts.push(await context.run(name, () => large + name));
          result = parts;
        },
        {
          between: (delivery, deliver) => {
            sizes.push(delivery.body.length);
            return deliver();
          },
        },
      );
      await trigger({ body: large });
      await settle();
      expect(result).toEqual(["one", "two", "three"].map((name) => large + name));
      expect(sizes.filter((size) => size === 0)).toHaveLength(3);
    });
  });
});
