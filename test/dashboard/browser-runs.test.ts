import { createWorkflow } from "@upstash/workflow/cloudflare";
import { expect, test } from "vitest";
import { servedWorkflows, workflowUrl } from "../qstash/served-workflows.ts";
import { patience, useDashboard } from "./browser-page.ts";
import { serveQueue } from "./served-queue.ts";

const { open } = useDashboard();

test("runs of workflows are listed, and shown step by step with the failed one marked", async () => {
  const it = createWorkflow(async (context) => {
    await context.run("prepare <b>", () => "ready");
    await context.run("publish", () => {
      throw new Error("no printer");
    });
  });
  const { workflow, settle, queue, qstash } = await servedWorkflows({ it });
  await workflow.trigger({ url: workflowUrl("it"), retries: 0, workflowRunId: "mine" });
  await settle();
  const page = await open(await serveQueue({ queues: [queue], qstash, eager: false }), "#view=runs");
  await page.getByRole("link", { name: "workflows" }).click();
  await page.getByRole("link", { name: workflowUrl("it") }).click();
  const rows = page.locator('[data-key="Steps"] li');
  await rows.nth(2).waitFor();
  const texts = await rows.locator("b").allTextContents();
  expect(texts.slice(0, 2)).toEqual(["init", "prepare <b>"]);
  expect(await rows.last().locator("rect").getAttribute("class")).toBe("dead");
  expect(await rows.last().innerText()).toMatch(/after prepare <b>\s[\s\S]*\sThe destination answered 500\./);
  expect(await page.locator("h1 .badge").textContent()).toBe("failed");
  await page.getByRole("link", { name: "see it" }).click();
  await page.getByRole("heading", { name: "Timeline" }).waitFor();
  await page.goBack();
  await page.goto(`${new URL(page.url()).origin}/dashboard#view=run&id=unknown`);
  await expect.poll(() => page.locator("h1").textContent(), patience).toBe("No such run");
});
