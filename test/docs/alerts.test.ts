import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import message from "../../examples/guide/alert-message.json" with { type: "json" };
import { withAlerts } from "../../examples/guide/alerts.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { root } from "../package/built.ts";
import { start } from "../support/clock.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Without bold, and with the texts of links and dates. */
const asSlackShows = (markup: string) => markup.replace(/<[^|>]*\|([^>]*)>/g, "$1").replaceAll("*", "");

test("the messages on the page of alerts are those that its queue sends", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
  const sent = new Map<string, string>();
  vi.stubGlobal("fetch", async (url: string, { body }: { readonly body: string }) => {
    sent.set(new URL(url).host, body);
    return new Response();
  });
  const store = memoryStore();
  const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
  const queue = withAlerts(store, {
    SLACK_WEBHOOK_URL: "https://hooks.slack.test/services/T/B/x",
    ALERT_SECRET: secret,
  });
  // Another deployment, which knows no schema, has enqueued what does not fit.
  const other = new Queue({ store });
  for (let count = 0; count < 2; count++) await other.enqueue("send_email", { to: 7 });
  await queue.drain();
  vi.setSystemTime(start + 10_000);
  await queue.drain();
  const page = await readFile(join(root, "docs/guide/observe.md"), "utf8");
  const [, shown = ""] = /```text\n(2 send_email[\s\S]*?)```/.exec(page) ?? [];
  expect(JSON.stringify(message)).toBe(sent.get("ops.example.com"));
  const { text } = JSON.parse(sent.get("hooks.slack.test") ?? "").blocks[0].text;
  expect(shown.trimEnd()).toBe(asSlackShows(text));
});
