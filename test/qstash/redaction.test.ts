import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { Queue } from "../../src/index.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { type Parts, qstashHandler, servedQStash, target } from "./served-qstash.ts";

const secret = "the-secret-of-the-body";
const headerSecret = "Bearer the-secret-of-the-header";
const mark = (text: string) => `REDACTED:${createHash("sha256").update(text).digest("hex")}`;

const body = JSON.stringify({ secret });
const headers = { Authorization: headerSecret, "X-Open": "open" };
const redact = { body: true, header: ["Authorization"] } as const;
const published = { url: target, body, headers, redact: { ...redact, header: [...redact.header] } };

onMemoryAtLeast(({ create }) => {
  const served = (status: number, parts: Partial<Parts> = {}) =>
    servedQStash({ store: create(), destination: () => new Response("", { status }), ...parts });

  /** All that people and programs are shown of a queue, as one text. */
  const everythingShown = async ({ queue, client, call }: Awaited<ReturnType<typeof served>>) => {
    const states = ["scheduled", "ready", "running", "completed", "dead"] as const;
    const lists = await Promise.all(states.map((state) => queue.listJobs({ state })));
    const jobs = lists.flatMap((page) => page.jobs);
    const infos = await Promise.all(jobs.map(({ id }) => queue.getJob(id)));
    const { messages } = await client.dlq.listMessages();
    const answers = await Promise.all(
      ["/v2/schedules", "/v2/dlq", ...jobs.map(({ id }) => `/v2/messages/${id}`)].map((path) => call("GET", path)),
    );
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    return JSON.stringify([jobs, infos, messages, texts, await queue.schedules.list()]);
  };

  describe("credentials in forwarded headers", () => {
    const names = ["Authorization", "Cookie", "X-Api-Key", "X-Auth-Token"];

    test("are hidden unasked wherever messages are shown, and delivered, also in callbacks", async () => {
      const parts = await served(200);
      const { client, queue, deliveries } = parts;
      const secrets = Object.fromEntries(names.map((name) => [name, `the-secret of ${name}`]));
      const ofCallback = names.map((name) => [`Upstash-Callback-Forward-${name}`, `the-secret of ${name}`]);
      const callback = "https://app.test/callback";
      const given = { "X-Open": "open", ...secrets, ...Object.fromEntries(ofCallback) };
      const { messageId } = await client.publish({ url: target, body, callback, headers: given });
      const shown = Object.fromEntries(names.map((name) => [name, [mark(`the-secret of ${name}`)]]));
      const { payload } = (await queue.getJob(messageId)) ?? {};
      expect(payload).toMatchObject({ body, header: { ...shown, "X-Open": ["open"] } });
      expect(await everythingShown(parts)).not.toContain("the-secret of");
      for (const _ of [1, 2]) await queue.drain();
      expect(deliveries.map(({ headers }) => names.map((name) => headers.get(name)))).toEqual(
        [1, 2].map(() => names.map((name) => `the-secret of ${name}`)),
      );
      expect(await everythingShown(parts)).not.toContain("the-secret of");
      const base64 = Buffer.from("the-secret of").toString("base64").slice(0, -4);
      expect(await everythingShown(parts)).not.toContain(base64);
    });

    test("that a retry adds are hidden too, beside those that the message had", async () => {
      const parts = await served(500);
      const { call, queue, deliveries } = parts;
      const init = { headers: { "Upstash-Retries": "0", "Upstash-Forward-Authorization": "the-secret-1" } };
      await call("POST", `/v2/publish/${target}`, init);
      await queue.drain();
      const id = (await queue.listDeadLetter()).jobs[0]?.id;
      const more = { "Upstash-Forward-Cookie": "the-secret-2", "Upstash-Retries": "0" };
      expect((await call("POST", `/v2/dlq/retry/${id}`, { headers: more })).status).toBe(201);
      await queue.drain();
      const sent = deliveries.map(({ headers }) => [headers.get("authorization"), headers.get("cookie")]);
      expect(sent).toEqual([
        ["the-secret-1", null],
        ["the-secret-1", "the-secret-2"],
      ]);
      expect(await everythingShown(parts)).not.toContain("the-secret");
    });

    test("of a call of a workflow are hidden, and delivered", async () => {
      const { call, queue, deliveries } = qstashHandler({ store: create() });
      const ofRun = { "Upstash-Workflow-RunId": "wfr_mine" };
      await call("POST", `/v2/publish/${target}`, { headers: { ...ofRun, "Upstash-Workflow-Init": "true" } });
      const headers = {
        ...{ ...ofRun, "Upstash-Workflow-CallType": "toCallback", "Upstash-Forward-Authorization": "the-secret" },
        ...{ "Upstash-Callback": target, "Upstash-Callback-Forward-Upstash-Workflow-StepId": "1" },
      };
      expect((await call("POST", `/v2/publish/${target}`, { headers })).status).toBe(201);
      for (const _ of [1, 2, 3]) await queue.drain();
      expect(deliveries.map(({ headers }) => headers.get("authorization"))).toContain("the-secret");
      const jobs = await Promise.all([queue.listJobs({ state: "completed" }), queue.listJobs({ state: "ready" })]);
      expect(JSON.stringify(jobs)).not.toContain("the-secret");
    });
  });

  describe("Upstash-Redact-Fields", () => {
    test("hides the body and a header wherever messages are shown, and delivers them", async () => {
      const parts = await served(200);
      const { client, queue, deliveries } = parts;
      const { messageId } = await client.publish({ ...published, delay: "0s" });
      expect(await client.messages.get(messageId)).toMatchObject({
        body: mark(body),
        header: { Authorization: [mark(headerSecret)], "X-Open": ["open"] },
      });
      expect(await everythingShown(parts)).not.toContain("the-secret");
      await queue.drain();
      expect(deliveries).toMatchObject([{ body }]);
      expect(deliveries[0]?.headers.get("authorization")).toBe(headerSecret);
      expect(await everythingShown(parts)).not.toContain("the-secret");
    });

    test("hides the headers of callbacks too, and delivers them", async () => {
      const parts = await served(200);
      const { client, queue, deliveries } = parts;
      const name = "Upstash-Callback-Forward-Authorization";
      const callback = "https://app.test/callback";
      await client.publish({ ...published, callback, headers: { ...headers, [name]: headerSecret } });
      expect(await everythingShown(parts)).not.toContain("the-secret");
      await queue.drain();
      await queue.drain();
      expect(deliveries.map(({ url }) => url)).toEqual([target, callback]);
      expect(deliveries[1]?.headers.get("authorization")).toBe(headerSecret);
      expect(await everythingShown(parts)).not.toContain("the-secret");
    });

    test("applies to the dead letter and to logs, and a retry delivers the original values", async () => {
      const lines: string[] = [];
      const logger = { warn: (line: string) => lines.push(line), error: (line: string) => lines.push(line) };
      const store = create();
      const parts = await served(500, { store });
      const { client, clock, qstash, deliveries } = parts;
      const queue = new Queue({ store, jobs: qstash.jobs, clock, logger });
      await client.publish({ ...published, retries: 0 });
      await queue.drain();
      expect((await client.dlq.listMessages()).messages).toMatchObject([{ body: mark(body), responseStatus: 500 }]);
      expect(lines).not.toEqual([]);
      expect((await everythingShown(parts)) + lines.join()).not.toContain("the-secret");
      await client.dlq.retry({ all: true });
      await queue.drain();
      expect(deliveries.map((delivery) => delivery.body)).toEqual([body, body]);
    });

    test("of a message with callbacks hides the callbacks' bodies, which contain the message's", async () => {
      const parts = await served(500);
      const { client, queue, deliveries } = parts;
      await client.publish({ ...published, retries: 0, failureCallback: "https://app.test/failed" });
      for (const _ of [1, 2, 3]) await queue.drain();
      expect(deliveries).toHaveLength(2);
      expect(Buffer.from(JSON.parse(deliveries[1]?.body ?? "").sourceBody, "base64").toString()).toBe(body);
      expect(await everythingShown(parts)).not.toContain("the-secret");
      expect(await everythingShown(parts)).not.toContain(Buffer.from(body).toString("base64"));
    });

    test("of a schedule hides its message and the messages it makes", async () => {
      const parts = await served(200);
      const { client, clock, queue, deliveries } = parts;
      await client.schedules.create({ destination: target, cron: "* * * * *", ...published });
      expect(await everythingShown(parts)).not.toContain("the-secret");
      clock.now += 61_000;
      for (const _ of [1, 2]) await queue.drain();
      expect(deliveries).toMatchObject([{ body }]);
      expect(await everythingShown(parts)).not.toContain("the-secret");
    });
  });
});

describe("Upstash-Redact-Fields", () => {
  const shownOf = async (fields: string) => {
    const { call, queue } = qstashHandler();
    const init = {
      body: "text",
      headers: { "Upstash-Redact-Fields": fields, "Upstash-Forward-X-A": "1", "Upstash-Forward-X-B": "2" },
    };
    const answer = await call("POST", `/v2/publish/${target}`, init);
    const { messageId } = (await answer.json()) as { messageId: string };
    return (await queue.getJob(messageId))?.payload as { body: string; header: Record<string, string[]> };
  };

  test.each([
    ["body", mark("text"), "1", "2"],
    ["header", "text", mark("1"), mark("2")],
    ["headers", "text", mark("1"), mark("2")],
    ["header[x-a]", "text", mark("1"), "2"],
    ["body, headers[X-B]", mark("text"), "1", mark("2")],
  ])("%s hides what it names", async (fields, text, a, b) => {
    const { body, header } = await shownOf(fields);
    expect([body, header["X-A"], header["X-B"]]).toEqual([text, [a], [b]]);
  });

  test.each(["all", "body;header", "header[", "url"])("%s is refused", async (fields) => {
    const { call, queue } = qstashHandler();
    const answer = await call("POST", `/v2/publish/${target}`, { headers: { "Upstash-Redact-Fields": fields } });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("Upstash-Redact-Fields must be");
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });

  test("a body that is edited in the dead letter is delivered as edited, with the hidden header", async () => {
    const { call, queue, deliveries } = qstashHandler({ destination: () => new Response("", { status: 500 }) });
    const init = {
      body: "text",
      headers: { "Upstash-Redact-Fields": "body,header", "Upstash-Retries": "0", "Upstash-Forward-X-A": "1" },
    };
    await call("POST", `/v2/publish/${target}`, init);
    await queue.drain();
    const [dead] = (await queue.listDeadLetter()).jobs;
    const payload = { ...(dead?.payload as object), body: "edited" };
    await queue.retryFromDeadLetter(dead?.id ?? "", { payload });
    await queue.drain();
    expect(deliveries.map(({ body, headers }) => [body, headers.get("x-a")])).toEqual([
      ["text", "1"],
      ["edited", "1"],
    ]);
  });

  test("a body that only looks redacted is delivered as it is", async () => {
    const { call, queue, deliveries } = qstashHandler();
    for (const headers of [{}, { "Upstash-Redact-Fields": "header" }])
      await call("POST", `/v2/publish/${target}`, { body: mark("x"), headers });
    await queue.drain();
    expect(deliveries.map(({ body }) => body)).toEqual([mark("x"), mark("x")]);
  });

  test("applies to the dashboard and to the handler's own routes", async () => {
    const { queue, call, qstash } = qstashHandler();
    await call("POST", `/v2/publish/${target}`, {
      body,
      headers: { "Upstash-Redact-Fields": "body", "Upstash-Delay": "1h" },
    });
    const app = createHandler({ queue, auth: { admin: ["the-admin-token"] }, qstash, dashboard: dashboard() });
    const headers = { Authorization: "Bearer the-admin-token" };
    const [job] = (await queue.listJobs({ state: "scheduled" })).jobs;
    for (const path of ["/jobs?state=scheduled", `/jobs/${job?.id}`, "/dashboard/data?view=jobs&state=scheduled"]) {
      const text = await (await app.fetch(new Request(`http://queue.test${path}`, { headers }))).text();
      // The list of the dashboard has the beginning of the payload.
      expect(text, path).toContain(path.startsWith("/dashboard") ? target : mark(body).slice(0, 20));
      expect(text, path).not.toContain(secret);
    }
  });
});
