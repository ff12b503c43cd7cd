import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { slack, webhook } from "../../src/alerts/index.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { fails, messages, openAlerts, secret, webhookTo, works } from "./open-alerts.ts";
import { isSigned, type Receiver, startReceiver } from "./receiver.ts";

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

async function sent(alert: ReturnType<typeof slack>, error = "no luck with <@U1> & <!channel>", count = 1) {
  const { queue, passes } = openAlerts(memoryStore(), [alert]);
  for (let at = 0; at < count; at++) await queue.enqueue(fails, { error });
  await passes("0s");
  await passes("10s");
  return { queue, passes };
}

describe("slack", () => {
  const text = () => receiver.received.map(({ body }) => JSON.parse(body).blocks[0].text.text as string);

  test("gets a text and blocks, in which nothing of an error notifies people", async () => {
    const { passes } = await sent(
      slack(`${receiver.url}/services/T/B/x`, { dashboard: "https://app.test/dashboard" }),
      undefined,
      2,
    );
    const [first] = receiver.received.map(({ body }) => JSON.parse(body));
    expect(first.text).toBe("2 fails jobs are dead in the queue default");
    expect(text()[0]?.split("\n")).toEqual([
      "*2 fails jobs are dead in the queue default*",
      "&gt; Error: no luck with &lt;@#&gt; &amp; &lt;!channel&gt;".replace("&gt; ", "> "),
      expect.stringMatching(/^First <!date\^1772366400\^.*\|2026-03-01T12:00:00.000Z>, last <!date\^.*>\.$/),
      expect.stringMatching(/^<https:\/\/app.test\/dashboard#view=jobs&amp;.*\|Open the dashboard>$/),
    ]);
    await passes("1h");
    expect(JSON.parse(receiver.received[1]?.body ?? "").text).toBe(
      "Over, no fails job has died for an hour: 2 fails jobs are dead in the queue default",
    );
  });

  test("gets the name of an error on the line of its message", async () => {
    const named = defineJob({
      name: "named",
      maxRetries: 0,
      perform() {
        throw Object.assign(new Error("no luck"), { name: "Error\n*All clear*\r\nhttps://evil.test/login" });
      },
    });
    const { queue, passes } = openAlerts(memoryStore(), [slack(`${receiver.url}/x`)], { jobs: [named] });
    await queue.enqueue(named);
    await passes("0s");
    await passes("10s");
    expect(text()[0]?.split("\n")).toEqual([
      expect.stringContaining("1 named job"),
      "> Error *All clear* https://evil.test/login: no luck",
      expect.stringMatching(/^First /),
    ]);
  });

  test("gets the messages of silence", async () => {
    const { queue, clock } = openAlerts(memoryStore(), [slack(`${receiver.url}/x`, { silentFor: "1m" })]);
    await queue.enqueue(works);
    await clock.advance("1m");
    await queue.ping();
    await queue.drain();
    expect(receiver.received.map(({ body }) => JSON.parse(body).text)).toEqual([
      "Nothing drains the queue default: 1 job is ready",
      "The queue default is drained again",
    ]);
  });

  test("gets one message for a flood of groups", async () => {
    const { queue, passes } = openAlerts(memoryStore(), [
      slack(`${receiver.url}/x`, { dashboard: "https://app.test/d" }),
    ]);
    for (let at = 0; at < 21; at++) await queue.enqueue(fails, { error: `no ${"abcdefghijklmnopqrstu"[at]}` });
    for (const by of ["0s", "10s", "10s"] as const) await passes(by);
    expect(text().filter((each) => !each.includes("fails job"))).toEqual([
      "*Too many kinds of failures for a message each: 21 jobs are dead in the queue default*\n<https://app.test/d#view=overview&amp;queue=default|Open the dashboard>",
    ]);
  });

  test("gets no message of an error with messages: false", async () => {
    await sent(slack(`${receiver.url}/x`, { messages: false }));
    expect(text()[0]).toContain("> Error\n");
    expect(text()[0]).not.toContain("luck");
  });
});

describe("webhook", () => {
  test("is signed so that an implementation of one's own verifies it, by the old and the new secret", async () => {
    const other = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    await sent(webhookTo(receiver, { secret: [secret, other] }));
    const [request] = receiver.received;
    if (!request) throw new Error("Nothing was received.");
    expect(request.headers["content-type"]).toBe("application/json");
    expect([secret, other].map((each) => isSigned(request, each))).toEqual([true, true]);
    expect(isSigned({ ...request, body: `${request.body} ` }, secret)).toBe(false);
    expect(isSigned(request, `whsec_${Buffer.alloc(32, 8).toString("base64")}`)).toBe(false);
  });

  test("gets no message of an error with messages: false, and never a payload", async () => {
    await sent(webhookTo(receiver, { messages: false }), "secret-word");
    expect(messages(receiver)).toMatchObject([{ error: { name: "Error", message: null } }]);
    expect(receiver.received[0]?.body).not.toContain("secret-word");
  });
});

describe("alerts", () => {
  const open = (options: object) => () => new Queue({ store: memoryStore(), jobs: [works], ...options });
  const hook = "https://hooks.test/T/hidden";

  test.each<[string, () => unknown, RegExp]>([
    ["without groups of failures", open({ observe: false, alerts: [slack(hook)] }), /observe: false/],
    ["without jobs", open({ jobs: [], alerts: [slack(hook)] }), /alerts need jobs/],
    ["that are none", open({ alerts: [hook] }), /slack\(url\) and webhook/],
    ["that are no array", open({ alerts: slack(hook) }), /alerts must be an array/],
    ["with the same name", open({ alerts: [slack(hook), slack(hook)] }), /Two alerts are named "slack"/],
    [
      "in large numbers",
      open({ alerts: Array.from({ length: 21 }, (_, at) => slack(hook, { name: `a${at}` })) }),
      /20 alerts/,
    ],
    ["without a URL", () => slack("hidden"), /must be a whole URL/],
    ["with a password in the URL", () => slack("https://user:hidden@hooks.test"), /no user name and no password/],
    ["with a wrong dashboard", () => slack(hook, { dashboard: "/hidden" }), /dashboard must be a whole URL/],
    ["with a short silence", () => slack(hook, { silentFor: "10s" }), /at least "1m"/],
    ["with an unknown option", () => slack(hook, { silent: "1m" } as object), /Unknown option "silent" in slack/],
    ["with a secret that is no base64", () => webhook(hook, { secret: "whsec_hidden!" }), /24 to 64 random bytes/],
    ["with a short secret", () => webhook(hook, { secret: "whsec_hidden" }), /24 to 64 random bytes/],
    ["without a secret", () => webhook(hook, {} as never), /secret must be/],
  ])("%s are refused, and the error has no URL and no secret", (_, make, message) => {
    expect(make).toThrow(message);
    expect(make).not.toThrow(/hidden/);
  });

  test("show no URL when a program logs them", async () => {
    const { inspect } = await import("node:util");
    expect(inspect([slack(hook), webhook(hook, { secret })], { depth: 9, showHidden: true })).not.toMatch(
      /hidden|whsec/,
    );
  });

  test("keep their names and ids to themselves", async () => {
    const { queue } = openAlerts(memoryStore(), [slack(hook)]);
    expect(() => defineJob({ name: "tidegate_alert", perform: () => {} })).toThrow(/reserved for Tidegate.s own jobs/);
    await expect(queue.enqueue("tidegate_watch", {})).rejects.toThrow(/reserved for Tidegate.s own jobs/);
    await expect(queue.enqueue(works, undefined, { id: "tidegate:watch:0" })).rejects.toThrow(/reserved/);
  });
});
