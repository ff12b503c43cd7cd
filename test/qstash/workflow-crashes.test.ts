import type { InvokableWorkflow, WorkflowContext } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/cloudflare";
import { describe, expect, test } from "vitest";
import { isForAll, seed } from "../../scripts/shared/all-tests.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { memoryStore, Queue, type Store } from "../../src/index.ts";
import { Documents } from "../../src/qstash/shared/documents.ts";
import { runStore } from "../../src/qstash/workflow/run-documents.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { wrapStore } from "../../src/testing/wrap-store.ts";
import { start } from "../support/clock.ts";
import { stepIsStored } from "../support/stored-steps.ts";
import { servedWorkflows, workflowUrl } from "./served-workflows.ts";

/** What goes wrong with the k-th call of the store that changes something, and with all that follow it. */
// Killed after a call leaves what killed before the next one does; real kills after calls are in crashes.test.ts.
const trials = ["killed", "request lost", "reply lost", "doubled"] as const;

type Trial = (typeof trials)[number];

const changing = new Set(["enqueue", "settle", "exchange", "extend", "changeDocuments"]);

function spoilt(store: Store, trial: Trial, k: number) {
  let calls = 0;
  const isNext = (method: string) => changing.has(method) && ++calls === k;
  if (trial === "doubled") {
    const doubled = wrapStore(store, async ({ method }, run) => {
      if (isNext(method)) await run();
      return run();
    });
    return { store: doubled, isMet: () => calls >= k };
  }
  const faulty = faultyStore(store, ({ method }) => {
    // A call of another kind ends with the process too.
    if (trial === "killed" && calls >= k) return "before";
    if (!isNext(method)) return undefined;
    return trial === "reply lost" ? "after" : "before";
  });
  return { store: faulty, isMet: () => calls >= k };
}

/** A run with every kind of step, and what it did. */
function watched(store: Store, clock: () => number) {
  const ran: string[] = [];
  const twice: string[] = [];
  const results: unknown[] = [];
  const { runs } = runStore(new Documents(internalsOf(new Queue({ store, clock }))), 0);
  const step = (context: WorkflowContext<unknown>, name: string) =>
    context.run(name, async () => {
      if (await stepIsStored(runs, context.workflowRunId, name)) twice.push(name);
      ran.push(name);
      return name;
    });
  // Each time anew: the SDK keeps in a workflow how it was first served.
  const workflows = () => {
    const other = createWorkflow(async (context: WorkflowContext<unknown>) => step(context, "invoked"));
    return { other, it: createWorkflow((context) => all(context, other)) };
  };
  const all = async (context: WorkflowContext<unknown>, other: InvokableWorkflow<unknown, string>) => {
    const result: unknown[] = [await step(context, "first")];
    result.push(...(await Promise.all([step(context, "left"), step(context, "right"), context.sleep("sleep", 1)])));
    result.push((await context.call("call", { url: "https://app.example.com/api", retries: 1 })).body);
    result.push((await context.invoke("invoke", { workflow: other, body: "" })).body);
    result.push((await context.waitForEvent("wait", "event", { timeout: "1d" })).eventData);
    result.push(await step(context, "last"));
    results.push(result);
  };
  return { workflows, ran, twice, results, runs };
}

async function survives(store: Store, trial: Trial, k: number): Promise<boolean> {
  let now = start;
  const { workflows, ran, twice, results, runs } = watched(store, () => now);
  const { store: broken, isMet } = spoilt(store, trial, k);
  const serve = (to: Store) =>
    servedWorkflows(workflows(), { store: to, elsewhere: () => new Response("called"), startsAt: now });
  let served = await serve(broken);
  const trigger = () => served.workflow.trigger({ url: workflowUrl("it"), workflowRunId: "mine", retryDelay: "1000" });
  const notify = () => served.workflow.notify({ eventId: "event", eventData: "data", workflowRunId: "wfr_mine" });
  // Who is told of a failure tries again.
  const insist = async (work: () => Promise<unknown>) => {
    await work().catch(async () => {
      if (trial === "killed") await restart();
      await work();
    });
  };
  let isRestarted = false;
  const restart = async () => {
    isRestarted = true;
    served = await serve(store);
  };
  await insist(trigger);
  await insist(notify);
  for (let round = 0; round < 12; round++) {
    await served.settle().catch(() => {});
    if (trial === "killed" && isMet() && !isRestarted) await restart();
    if (isMet() && (await isDone(served.queue))) break;
    now += 40_000;
    served.clock.now = now;
  }
  const label = `${trial} ${k}: ${ran.join()}`;
  expect(twice, label).toEqual([]);
  expect(results.at(-1), label).toEqual(["first", "left", "right", undefined, "called", "invoked", "data", "last"]);
  expect((await runs.find("wfr_mine"))?.state, label).toBe("success");
  expect(await served.queue.getStats(), label).toMatchObject({ pendingCount: 0, runningCount: 0, deadLetterCount: 0 });
  return isMet();
}

async function isDone(queue: Queue): Promise<boolean> {
  const { pendingCount, runningCount } = await queue.getStats();
  return pendingCount + runningCount === 0;
}

describe("a run", () => {
  test.each(trials)(
    "loses no result and runs no stored step again, whichever call of its store it is: %s",
    async (trial) => {
      // A fifth of the calls. That each may be sent twice is tested at the port: a third is enough.
      const pace = isForAll ? (trial === "doubled" ? 3 : 1) : 5;
      let k = 1 + (seed % pace);
      while (await survives(memoryStore(), trial, k)) k += pace;
      expect(k).toBeGreaterThan(40);
    },
  );
});
