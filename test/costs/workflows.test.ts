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

  const budget = { roundTrips: 1_000, commands: 10_000 };

  /** What a run costs, by default and with `observe: false`: its trigger, and the drain that runs it. */
  async function costsOf(run: (context: WorkflowContext<unknown>) => Promise<unknown>) {
    const costs: number[][] = [];
    for (const observe of [true, false]) {
      const store = redis.store();
      const { workflow, queue } = await servedWorkflows({ it: createWorkflow(run) }, { store, observe });
      const trigger = () => workflow.trigger({ url: workflowUrl("it") });
      // What the first run of an isolate costs more.
      await trigger();
      await queue.drain({ budget });
      await queue.drain();
      costs.push([await count(trigger), await count(() => queue.drain({ budget }))]);
    }
    expect(costs[1]).toEqual(costs[0]);
    return costs[0];
  }

  const steps = (most: number) => async (context: WorkflowContext<unknown>) => {
    for (let step = 1; step <= most; step++) await context.run(`step ${step}`, () => step);
  };

  // Loads the scripts, and runs the daily removal.
  beforeAll(async () => {
    await costsOf(steps(2));
  });

  test("a run with one step costs 50, and each further step 21", async () => {
    const [one, ten] = [await costsOf(steps(1)), await costsOf(steps(10))];
    expect(one).toEqual([10, 40]);
    expect(ten).toEqual([10, 40 + 9 * 21]);
  });

  test("a run with one call costs 85", async () => {
    const call = (context: WorkflowContext<unknown>) => context.call("call", { url: "https://app.example.com/api" });
    expect(await costsOf(call)).toEqual([10, 75]);
  });
});
