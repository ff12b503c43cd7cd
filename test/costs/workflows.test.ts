import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/cloudflare";
import { beforeAll, describe, expect, test } from "vitest";
import { servedWorkflows, workflowUrl } from "../qstash/served-workflows.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// The figures of docs/guide/qstash.md: what Upstash bills for runs of workflows, counted by Redis itself.

describe("billed commands of workflows", () => {
  const redis = useRedis();
  const count = async (action: () => Promise<unknown>) => (await countCommands(redis.server.port, action)).commands;

  async function costOf(run: (context: WorkflowContext<unknown>) => Promise<unknown>) {
    const store = redis.store();
    const { workflow, queue } = await servedWorkflows({ it: createWorkflow(run) }, { store, observe: false });
    await queue.drain();
    const triggered = await count(() => workflow.trigger({ url: workflowUrl("it") }));
    const drained = await count(() => queue.drain({ budget: { roundTrips: 1_000, commands: 10_000 } }));
    return { triggered, drained };
  }

  const steps = (most: number) => async (context: WorkflowContext<unknown>) => {
    for (let step = 1; step <= most; step++) await context.run(`step ${step}`, () => step);
  };

  // Loads the scripts, and runs the daily removal.
  beforeAll(async () => {
    await costOf(steps(2));
  });

  test("a run with one step costs 52 with observe: false, and each further step 21", async () => {
    expect(await costOf(steps(1))).toEqual({ triggered: 10, drained: 42 });
    expect(await costOf(steps(10))).toEqual({ triggered: 10, drained: 42 + 9 * 21 });
  });

  test("a run with one call costs 87 with observe: false", async () => {
    const call = (context: WorkflowContext<unknown>) => context.call("call", { url: "https://app.example.com/api" });
    expect(await costOf(call)).toEqual({ triggered: 10, drained: 77 });
  });
});
