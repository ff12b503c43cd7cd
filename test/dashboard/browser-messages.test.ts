import { expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { createQStash } from "../../src/qstash/index.ts";
import { clockByHand } from "../support/clock.ts";
import { heading, notice, patience, press, useDashboard } from "./browser-page.ts";
import { openedAt, serveQueue } from "./served-queue.ts";

// Messages of QStash's interface, beside other jobs of the queue.

const { open } = useDashboard();
const other = defineJob({ name: "other", perform() {} });
const token = "the-qstash-token";

/**
 * A queue with a message that is retried, one that was delivered, one that has failed, one that waits, and another job.
 */
async function serveMessages(events: { readonly retention: "3d" } | false) {
  const clock = clockByHand(openedAt);
  const qstash = createQStash({
    tokens: [token],
    signingKeys: { current: "sig_current_key", next: "sig_next_key" },
    targets: ["https://app.test/*"],
    events,
    fetch: async (url) => new Response("", { status: String(url).endsWith("/ok") ? 200 : 503 }),
  });
  const queue = new Queue({ store: memoryStore(), jobs: [...qstash.jobs, other], clock, logger: null });
  const on = await serveQueue({ queues: [queue], qstash, eager: false });
  const send = async (method: string, path: string, headers: Record<string, string> = {}, body?: string) => {
    const init = { method, headers: { Authorization: `Bearer ${token}`, ...headers }, ...(body && { body }) };
    const answer = await fetch(`${on.url}/v2/${path}`, init);
    expect(answer.ok).toBe(true);
    return (await answer.json()) as { readonly messageId: string };
  };
  const publish = (to: string, headers: Record<string, string> = {}) =>
    send("POST", `publish/https://app.test/${to}`, headers);
  await publish("ok", { "Upstash-Label": "nightly" });
  await publish("fails", { "Upstash-Retries": "0" });
  const { messageId } = await publish("retried", {
    "Upstash-Flow-Control-Key": "crm",
    "Upstash-Flow-Control-Value": "parallelism=2",
    "Upstash-Callback": "https://app.test/called",
  });
  await queue.drain();
  await publish("later", { "Upstash-Delay": "1h" });
  await queue.enqueue(other, undefined, { delay: "1h" });
  await send("POST", "topics/readers/endpoints", {}, '{"endpoints":[{"url":"https://app.test/one","name":"one"}]}');
  return { on, queue, messageId };
}

test("messages are listed with where they go, found, and shown with their events", async () => {
  const { on, queue, messageId } = await serveMessages({ retention: "3d" });
  const page = await open(on);
  await page.getByRole("link", { name: "Messages" }).click();
  await heading(page, "Messages");
  const rows = () =>
    page
      .locator("tbody tr")
      .evaluateAll((all) =>
        all.map((row) =>
          ["td.job a", "td.job div", ".badge"].map((part) => row.querySelector(part)?.textContent ?? ""),
        ),
      );
  await expect.poll(async () => (await rows()).length, patience).toBe(4);
  expect((await rows()).sort()).toEqual([
    ["POST https://app.test/fails", "The destination answered 503.", "failed"],
    ["POST https://app.test/later", "", "scheduled"],
    ["POST https://app.test/ok", "status 200, label nightly", "delivered"],
    ["POST https://app.test/retried", "status 503, flow key crm, callback https://app.test/called", "scheduled"],
  ]);
  const found = async () => (await rows()).map(([to]) => to);
  await page.getByRole("link", { name: "delivered", exact: true }).click();
  await expect.poll(found, patience).toEqual(["POST https://app.test/ok"]);
  await page.getByRole("link", { name: "latest" }).click();
  await page.getByLabel("Search messages").fill("crm");
  await press(page, "Search");
  await expect.poll(found, patience).toEqual(["POST https://app.test/retried"]);

  // One message.
  await page.locator("td.job a").click();
  await heading(page, "POST https://app.test/retried");
  const card = page.locator("section", { has: page.getByRole("heading", { name: "Message" }) });
  const [names, values] = [await card.locator("dt").allTextContents(), await card.locator("dd").allTextContents()];
  const factOf = (name: string) => values[names.indexOf(name)];
  expect(factOf("To")).toBe("POST https://app.test/retried");
  expect(factOf("Next delivery")).toMatch(/^in \d+ s$/);
  expect(factOf("Last response")).toBe("status 503");
  expect(factOf("Flow control key")).toBe("crm");
  expect(factOf("Callback")).toBe("https://app.test/called");
  const events = page.locator("section[data-key=events] tbody tr");
  await expect.poll(() => events.locator(".badge").allTextContents(), patience).toEqual(["error", "created"]);
  await page.getByRole("link", { name: "crm" }).click();
  await heading(page, "Flow control");
  await page.getByText("qstash:key:crm").waitFor();

  // All events, and URL groups.
  await page.goto(`${on.url}/dashboard#view=messages&kind=events`);
  await expect.poll(() => page.locator("tbody .badge").count(), patience).toBe(7);
  await page.getByRole("link", { name: "URL groups" }).click();
  await page.getByRole("heading", { name: "readers" }).waitFor();
  await page.getByText("https://app.test/one").waitFor();

  // Actions.
  await page.goto(`${on.url}/dashboard#view=messages&state=dead`);
  await page.getByLabel("Select all on this page").check();
  await press(page, "Retry...");
  await press(page, "Retry 1 job");
  await notice(page, "1 job retried.");
  expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0 });
  expect(await queue.getJob(messageId)).toMatchObject({ state: "scheduled" });
});

test("no action is offered that is reserved for the interface", async () => {
  const { on, queue } = await serveMessages(false);
  const page = await open(on);
  const idOf = async (state: "completed" | "dead") => (await queue.listJobs({ state })).jobs[0]?.id;
  const buttons = () => page.locator("main div:has(> h1) button").allTextContents();
  await page.goto(`${on.url}/dashboard#view=job&id=${await idOf("completed")}`);
  await heading(page, "POST https://app.test/ok");
  expect(await buttons()).toEqual([]);
  await page.goto(`${on.url}/dashboard#view=job&id=${await idOf("dead")}`);
  await heading(page, "POST https://app.test/fails");
  expect(await buttons()).toEqual(["Retry...", "Retry with another payload...", "Remove..."]);
  await page.goto(`${on.url}/dashboard#view=flow`);
  await page.getByText("qstash:key:crm").waitFor();
  expect(new Set(await page.locator("tr button").allTextContents())).toEqual(new Set(["Pause"]));
  await page.goto(`${on.url}/dashboard#view=jobs`);
  await press(page, "Enqueue...");
  const names = page.locator("dialog datalist option, dialog select option");
  expect(await names.evaluateAll((all) => all.map((each) => each.getAttribute("value")))).toEqual(["other"]);
  await on.stop();
});

test("events that are not kept are said to be so, and a queue without messages has none of it", async () => {
  const { on } = await serveMessages(false);
  const page = await open(on, "#view=messages&kind=events");
  await page.getByRole("heading", { name: "Events are not kept" }).waitFor();
  await on.stop();
  const other = await serveQueue();
  await page.goto(`${other.url}/dashboard`);
  await heading(page, "Overview");
  expect(await page.getByRole("link", { name: "Messages" }).count()).toBe(0);
  await other.stop();
});
