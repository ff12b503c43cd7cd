import { describe, expect, test } from "vitest";
import { createHandler, type HandlerOptions, type LimitedToken, type Tokens } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { readEvents } from "../support/job-events.ts";
import { onMemoryAtLeast, useRedis } from "../support/stores.ts";
import { sender, setUp, snapshot } from "./memory-handler.ts";
import { watchedQueue } from "./watched-queue.ts";

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const ada = bearer("token-of-ada");
const bob = bearer("token-of-bob");
const admin = bearer("token-of-admin");

const mail = defineJob({ name: "mail", perform: (_: unknown) => ({ sent: true }) });
const report = defineJob({ name: "report", perform() {} });
const keyed = defineJob({
  name: "keyed",
  flowControl: { key: ({ tenant }: { tenant: string }) => `tenant-${tenant}`, concurrency: 1 },
  perform() {},
});
const refund = defineJob({ name: "refund", perform() {} });
const jobs = [mail, report, keyed, refund];

const names = ["mail", "report", "keyed"];
const auth: Tokens = {
  enqueue: [
    "token-of-servers",
    { token: "token-of-ada", name: "ada", jobs: names },
    { token: "token-of-bob", jobs: ["mail", "report"] },
    { token: "token-of-carl", name: "carl", jobs: names, flowKeys: ["mail-*", "tenant-carl"] },
  ],
  admin: ["token-of-admin"],
};
const carl = bearer("token-of-carl");
const bobsName = expect.stringMatching(/^token:[0-9a-f]{12}$/);

const open = (handler: Partial<HandlerOptions> = {}) => setUp({ handler: { auth, ...handler }, queue: { jobs } });
type Call = ReturnType<typeof open>["call"];

const forms = [
  ["alone", "/jobs", (job: object) => job],
  ["in an array", "/jobs", (job: object) => [{ name: "mail" }, job]],
  ["with each=true", "/jobs?each=true", (job: object) => [{ name: "mail" }, job]],
  ["as a child", "/jobs", (job: object) => ({ name: "mail", children: [job] })],
  ["as a grandchild", "/jobs", (job: object) => ({ name: "mail", children: [{ name: "mail", children: [job] }] })],
  ["as a parent", "/jobs", (job: object) => ({ ...job, children: [{ name: "mail" }] })],
  ["of a named queue", "/queues/default/jobs", (job: object) => job],
] as const;

/** Sends a job, and returns what refuses it, or its status. */
async function refusalOf(call: Call, path: string, body: unknown, headers: Record<string, string>) {
  const { status, body: reply } = await call("POST", path, body, headers);
  const last = (reply["jobs"] as readonly Record<string, unknown>[] | undefined)?.at(-1);
  const problem = (last?.["error"] ?? reply) as { code?: string; detail?: string; status?: number };
  return problem.code === undefined ? { status } : { status: problem.status, detail: problem.detail };
}

describe.each(forms)("a limited token, with a job %s,", (form, path, bodyOf) => {
  test("enqueues the jobs that it lists, and these only, whether others exist or not", async () => {
    for (const name of ["refund", "no_such_job", "qstash_deliver", "tidegate_alert", "__proto__", "Mail"]) {
      const { call, queue } = open();
      const before = await snapshot(queue);
      const told = await refusalOf(call, path, bodyOf({ name }), bob);
      expect(told.status, name).toBe(403);
      expect(told.detail).toContain(`This token may not enqueue "${name}", only: mail, report.`);
      if (form !== "with each=true") expect(await snapshot(queue)).toBe(before);
    }
    const { call } = open();
    expect((await refusalOf(call, path, bodyOf({ name: "report" }), bob)).status).toBeLessThan(300);
  });

  test("chooses no flow control key without flowKeys", async () => {
    const { call } = open();
    const chosen = bodyOf({ name: "report", flowControl: { key: "mail-1" } });
    const told = await refusalOf(call, path, chosen, ada);
    expect(told).toMatchObject({ status: 403, detail: expect.stringContaining("may not choose a flow control key") });
  });

  test("has the keys of flowKeys, chosen or from the definition, and no job without one", async () => {
    // The other jobs of these forms have such a key.
    const withKeys = (job: object): object =>
      JSON.parse(
        JSON.stringify(bodyOf(job)).replaceAll('{"name":"mail"', '{"flowControl":{"key":"mail-1"},"name":"mail"'),
      );
    const attempt = async (job: object) => {
      const { call } = open();
      return refusalOf(call, path, withKeys(job), carl);
    };
    const given = { name: "report", flowControl: { key: "mail-2" } };
    expect((await attempt(given)).status).toBeLessThan(300);
    expect((await attempt({ name: "keyed", payload: { tenant: "carl" } })).status).toBeLessThan(300);
    for (const [job, detail] of [
      [{ name: "report" }, /needs a flow control key.* mail-\*, tenant-carl\.$/],
      [{ name: "report", flowControl: { key: "tenant-carl-2" } }, /may not use this flow control key/],
      [{ name: "report", flowControl: { key: "xmail-1" } }, /may not use this flow control key/],
      [{ name: "keyed", payload: { tenant: "ada" } }, /may not use this flow control key/],
    ] as const)
      expect(await attempt(job)).toMatchObject({ status: 403, detail: expect.stringMatching(detail) });
  });

  test('leaves the rest to the definition, also with enqueueOptions: "all"', async () => {
    for (const [field, options] of [
      ["maxRetries", { maxRetries: 9 }],
      ["timeout", { timeout: "1h" }],
      ["flowControl.concurrency", { flowControl: { concurrency: 9 } }],
    ] as const) {
      const { call } = open({ enqueueOptions: "all" });
      const told = await refusalOf(call, path, bodyOf({ name: "keyed", payload: { tenant: "a" }, ...options }), ada);
      expect(told).toMatchObject({
        status: 403,
        detail: expect.stringMatching(new RegExp(`${field} needs a token with the scope "admin"\\. Leave`)),
      });
    }
  });
});

test("a limited token makes no schedule", async () => {
  const { call, queue } = open();
  for (const rule of [{ cron: "* * * * *" }, { every: "1m" }])
    expect((await call("POST", "/jobs", { name: "mail", ...rule }, ada)).status).toBe(403);
  expect(await queue.schedules.list()).toEqual([]);
});

test("an error of a queue that lacks the job lists no job", async () => {
  const clock = clockByHand(start);
  const queues = [
    new Queue({ name: "one", store: memoryStore(), jobs: [mail, report, keyed], clock }),
    new Queue({ name: "two", store: memoryStore(), jobs: [refund], clock }),
  ];
  const { call } = sender(createHandler({ queues, auth }).fetch);
  expect((await call("POST", "/queues/one/jobs", { name: "mail" }, ada)).status).toBe(201);
  const told = await call("POST", "/queues/two/jobs", { name: "mail" }, ada);
  expect(told.status).toBe(400);
  expect(told.text).not.toContain("refund");
});

onMemoryAtLeast((kind) => {
  function onStore() {
    const clock = clockByHand(start);
    const queue = new Queue({ store: kind.create(), jobs, clock, random: () => 0.5, logger: null });
    const app = createHandler({ queue, auth, eager: false });
    return { clock, queue, app, ...sender(app.fetch) };
  }

  test("it sees what it has enqueued, in every state and with all its family, and nobody else's", async () => {
    const { call, queue } = onStore();
    const family = { name: "report", id: "family", children: [{ name: "mail", children: [{ name: "mail" }] }] };
    for (const job of [{ name: "mail", id: "own" }, family])
      expect((await call("POST", "/jobs", job, ada)).status).toBe(201);
    const listed = await queue.listJobs();
    const ids = listed.jobs.map(({ id }) => id).sort();
    expect(ids).toHaveLength(4);
    const shownTo = async (headers: Record<string, string>) =>
      Promise.all(
        ids.map(async (id) => (await call("GET", `/jobs/${encodeURIComponent(id)}`, undefined, headers)).status),
      );
    expect(await shownTo(ada)).toEqual(ids.map(() => 200));
    expect(await shownTo(bob)).toEqual(ids.map(() => 404));
    while ((await queue.drain()).claimed > 0);
    expect((await call("GET", "/jobs/own", undefined, ada)).body).toMatchObject({
      ...{ state: "completed", enqueuedBy: "ada", result: { sent: true } },
    });
    expect(await shownTo(ada)).toEqual(ids.map(() => 200));
    expect(await shownTo(bob)).toEqual(ids.map(() => 404));
  });

  test("an id that is taken says that and no more: another's job stays, unseen", async () => {
    const { call, queue } = onStore();
    await call("POST", "/jobs", { name: "mail", id: "order-7", payload: 1, delay: "1h" }, ada);
    const before = await queue.getJob("order-7");
    const taken = { id: "order-7", status: "duplicate", runAt: null };
    const mine = { name: "mail", id: "order-7", payload: 2 };
    expect(await call("POST", "/jobs", mine, bob)).toMatchObject({ status: 200, body: taken });
    expect((await call("POST", "/jobs", [mine], bob)).body).toEqual({ jobs: [taken] });
    expect((await call("POST", "/jobs?each=true", [mine], bob)).body).toEqual({ jobs: [taken] });
    expect((await call("POST", "/jobs", { ...mine, children: [{ name: "mail" }] }, bob)).body).toEqual(taken);
    expect((await call("GET", "/jobs/order-7", undefined, bob)).status).toBe(404);
    expect(await queue.getJob("order-7")).toEqual(before);
    expect((await queue.getStats()).totalEnqueued).toBe(1);
  });

  test("an id like that of a child is refused: it would count among the children of another", async () => {
    const { call, queue } = onStore();
    const id = "may/000001";
    for (const body of [
      { name: "mail", id },
      [{ name: "mail", id }],
      { name: "mail", id, children: [{ name: "mail" }] },
    ])
      expect((await call("POST", "/jobs", body, bob)).status).toBe(400);
    expect((await queue.getStats()).totalEnqueued).toBe(0);
  });

  test("a dedupe key is its own: that of others neither stops, shows nor replaces a job", async () => {
    const { call, queue } = onStore();
    const job = (payload: string, replace: boolean) => ({
      ...{ name: "mail", payload, delay: "1h", dedupe: { key: "k", ttl: "1h", replace } },
    });
    await queue.enqueue(mail, "code", { delay: "1h", dedupe: { key: "k", ttl: "1h" } });
    const first = await call("POST", "/jobs", job("ada", false), ada);
    expect(first.body).toMatchObject({ status: "enqueued" });
    const other = await call("POST", "/jobs", job("bob", true), bob);
    expect(other.body).toMatchObject({ status: "enqueued" });
    const again = await call("POST", "/jobs", job("ada 2", true), ada);
    expect(again.body).toMatchObject({ status: "replaced", id: first.body["id"] });
    const { jobs: stored } = await queue.listJobs();
    expect(stored.map(({ payload, enqueuedBy }) => [payload, enqueuedBy]).sort()).toEqual([
      ["ada 2", "ada"],
      ["bob", bobsName],
      ["code", undefined],
    ]);
  });

  test("the children of another's job are out of reach", async () => {
    const { call, queue } = onStore();
    const family = { name: "report", id: "family", children: [{ name: "mail" }] };
    await call("POST", "/jobs", family, ada);
    const taken = { id: "family", status: "duplicate", runAt: null };
    for (const children of [family.children, [...family.children, { name: "mail" }]])
      expect((await call("POST", "/jobs", { ...family, children }, bob)).body).toEqual(taken);
    expect((await queue.listChildren("family")).jobs.map(({ enqueuedBy }) => enqueuedBy)).toEqual(["ada"]);
  });
});

test("a job that takes the id of one that it had enqueued under a dedupe key is never replaced", async () => {
  const { call, queue } = open();
  const dedupe = { key: "k", ttl: "1h", replace: true };
  const { body } = await call("POST", "/jobs", { name: "mail", payload: "ada", delay: "1m", dedupe }, ada);
  const id = String(body["id"]);
  await queue.cancel(id);
  await queue.enqueue(mail, "code", { id, delay: "1h" });
  const again = await call("POST", "/jobs", { name: "mail", payload: "ada 2", delay: "1m", dedupe }, ada);
  expect(again.body).toEqual({ id, status: "duplicate", runAt: null });
  expect(await queue.getJob(id)).toMatchObject({ payload: "code" });
});

describe("what a limited token sees of a job", () => {
  test("is what the scope enqueue sees, without what holds it back", async () => {
    const { call } = open();
    const job = { name: "keyed", payload: { tenant: "carl" } };
    await call("POST", "/jobs", { ...job, id: "a" }, carl);
    await call("POST", "/jobs", { ...job, id: "b" }, carl);
    await call("POST", "/flow-control/tenant-carl/pause", undefined, admin);
    expect((await call("GET", "/jobs/a", undefined, admin)).body).toHaveProperty("heldBack");
    const { body } = await call("GET", "/jobs/a", undefined, carl);
    expect(body).toMatchObject({ state: "ready", payload: { tenant: "carl" }, enqueuedBy: "carl" });
    expect(body).not.toHaveProperty("heldBack");
  });

  test("stays its own when others change, retry and revive it", async () => {
    const clock = clockByHand(start);
    const dies = defineJob({
      name: "mail",
      maxRetries: 0,
      perform(payload: unknown, job) {
        if (payload === "snooze" && clock.now === start) return job.snooze("1s");
        throw new Error("no luck");
      },
    });
    const { call, queue } = setUp({ handler: { auth }, queue: { jobs: [dies, report, keyed], logger: null, clock } });
    await call("POST", "/jobs", { name: "mail", id: "a", payload: "first", delay: "1h" }, ada);
    await call("PATCH", "/jobs/a", { payload: "snooze", delay: 0 }, admin);
    await queue.drain();
    clock.now += 1_000;
    await queue.drain();
    expect((await call("GET", "/jobs/a", undefined, ada)).body).toMatchObject({ state: "dead" });
    await call("POST", "/dead-letter/a/retry", { payload: "again" }, admin);
    expect((await call("GET", "/jobs/a", undefined, ada)).body).toMatchObject({ state: "ready", payload: "again" });
    expect((await call("GET", "/jobs/a", undefined, bob)).status).toBe(404);
  });

  test("is what tokens of the same name have enqueued, which may have other rights", async () => {
    const enqueue: LimitedToken[] = [
      { token: "old-token-of-ada", name: "ada", jobs: ["mail"] },
      { token: "new-token-of-ada", name: "ada", jobs: ["report"] },
      { token: "old-token-of-bob", jobs: ["mail"] },
      { token: "new-token-of-bob", jobs: ["mail"] },
    ];
    const { call } = open({ auth: { enqueue } });
    await call("POST", "/jobs", { name: "mail", id: "of-ada" }, bearer("old-token-of-ada"));
    await call("POST", "/jobs", { name: "mail", id: "of-bob" }, bearer("old-token-of-bob"));
    const see = async (id: string, token: string) =>
      (await call("GET", `/jobs/${id}`, undefined, bearer(token))).status;
    expect(await see("of-ada", "new-token-of-ada")).toBe(200);
    expect(await see("of-bob", "old-token-of-bob")).toBe(200);
    expect(await see("of-bob", "new-token-of-bob")).toBe(404);
    expect((await call("POST", "/jobs", { name: "mail" }, bearer("new-token-of-ada"))).status).toBe(403);
  });

  test("is not what a handler enqueues from its job", async () => {
    const spreads = defineJob({
      name: "report",
      perform(_: unknown, job) {
        job.enqueue(mail);
      },
    });
    const { call, queue } = setUp({ handler: { auth }, queue: { jobs: [mail, spreads, keyed] } });
    await call("POST", "/jobs", { name: "report", id: "a" }, ada);
    await queue.drain({ maxJobs: 1 });
    const [made] = (await queue.listJobs({ name: "mail" })).jobs;
    expect((await call("GET", `/jobs/${made?.id}`, undefined, ada)).status).toBe(404);
  });

  test("a response of 404 is the one for an unknown id, also for a record that cannot be read", async () => {
    const store = memoryStore();
    const { call, queue, clock } = setUp({ handler: { auth }, queue: { jobs, store } });
    const damaged = { id: "c", isFreshId: false, runAt: clock() + 60_000, record: "9:{}" };
    await store.open("default").enqueue([damaged], clock());
    await call("POST", "/jobs", { name: "mail", id: "a", delay: "1h" }, ada);
    await queue.enqueue(mail, undefined, { id: "b", delay: "1h" });
    for (const path of ["", "/events"]) {
      const unknown = await call("GET", `/jobs/none${path}`, undefined, bob);
      expect(unknown.status).toBe(404);
      for (const id of ["a", "b", "c"])
        expect((await call("GET", `/jobs/${id}${path}`, undefined, bob)).text).toBe(unknown.text);
    }
  });
});

describe("GET /jobs/:id/events with a limited token", () => {
  test("shows its own job, and ends when the id becomes that of another's", async () => {
    const limited = (name: string) => ({ token: `token-of-${name}`, name, jobs: ["import_rows"] });
    const { clock, queue, fetch } = watchedQueue({ handler: { auth: { enqueue: [limited("ada"), limited("bob")] } } });
    const { call } = sender(fetch);
    const job = { name: "import_rows", id: "a", delay: "1h" };
    await call("POST", "/jobs", job, ada);
    const events = readEvents(await fetch(new Request("http://queue.test/jobs/a/events", { headers: ada })));
    await clock.advance(0);
    expect(events.events).toEqual([{ state: "scheduled", progress: null }]);
    await queue.cancel("a");
    await call("POST", "/jobs", job, bob);
    await clock.advance("1m");
    expect(events.events.slice(1)).toEqual([{ state: "gone", progress: null }]);
    await events.ended;
  });
});

describe("a limited token on Redis", () => {
  const redis = useRedis();
  const queueOn = () => new Queue({ store: redis.store(), jobs, clock: clockByHand(start), logger: null });

  test("costs no command to enqueue and one request to see a job; others' cost the same requests as unknown ones", async () => {
    const queue = queueOn();
    const { call } = sender(createHandler({ queue, auth, eager: false }).fetch);
    const count = (method: string, path: string, body: unknown, headers: Record<string, string>) =>
      countCommands(redis.server.port, () => call(method, path, body, headers));
    const requests = async (...given: Parameters<typeof count>) => (await count(...given)).byName["evalsha"];
    const servers = bearer("token-of-servers");
    const due = { name: "keyed", id: "due", payload: { tenant: "x" } };
    // The first calls load the scripts.
    for (const job of [{ name: "mail" }, due]) await call("POST", "/jobs", job, ada);
    await call("GET", "/jobs/due", undefined, servers);
    expect(await count("POST", "/jobs", { name: "mail" }, ada)).toMatchObject({
      commands: (await count("POST", "/jobs", { name: "mail" }, servers)).commands,
    });
    const seen = { result: { status: 200 }, commands: 3 };
    expect(await count("GET", "/jobs/due", undefined, servers)).toMatchObject({ ...seen, commands: 4 });
    expect(await count("GET", "/jobs/due", undefined, ada)).toMatchObject(seen);
    for (const [method, path, body] of [
      ["GET", "", undefined],
      ["GET", "/events", undefined],
    ] as const) {
      expect(await requests(method, `/jobs/none${path}`, body, bob), path).toBe(1);
      expect(await requests(method, `/jobs/due${path}`, body, bob), path).toBe(1);
    }
  });

  test("leaves its name in the record, and nothing of the token", async () => {
    const queue = queueOn();
    const { call } = sender(createHandler({ queue, auth, eager: false }).fetch);
    await call("POST", "/jobs", { name: "mail", id: "a" }, bob);
    expect(await queue.getJob("a")).toMatchObject({ enqueuedBy: bobsName });
    expect(JSON.stringify(await queue.getJob("a"))).not.toContain("token-of-bob");
  });
});

describe("createHandler refuses a limited token", () => {
  const token = "a-limited-token";
  const build = (tokens: unknown) => () =>
    createHandler({ queue: new Queue({ store: memoryStore(), jobs }), auth: tokens as "none" });

  test.each<[string, unknown, string]>([
    ["without jobs", { enqueue: [{ token }] }, "auth.enqueue[0].jobs must be an array"],
    ["with no job", { enqueue: [{ token, jobs: [] }] }, "auth.enqueue[0].jobs must be an array"],
    ["with a job that is no text", { enqueue: [{ token, jobs: [mail] }] }, "auth.enqueue[0].jobs must be an array"],
    [
      "with an unknown job",
      { enqueue: [{ token, jobs: ["mail", "mial"] }] },
      'auth.enqueue[0].jobs: no queue of this handler has a job "mial"',
    ],
    ["with a reserved job", { enqueue: [{ token, jobs: ["qstash_deliver"] }] }, "is a reserved name"],
    ["without a token", { enqueue: [{ jobs: ["mail"] }] }, "auth.enqueue[0].token must be a token"],
    [
      "with a short one",
      { enqueue: ["servers-token", { token: "short", jobs: ["mail"] }] },
      "auth.enqueue[1].token must",
    ],
    [
      "with no keys",
      { enqueue: [{ token, jobs: ["mail"], flowKeys: [] }] },
      "auth.enqueue[0].flowKeys must be an array",
    ],
    ["with a pattern in the middle", { enqueue: [{ token, jobs: ["mail"], flowKeys: ["a*b"] }] }, "the last character"],
    ["with a wrong name", { enqueue: [{ token, jobs: ["mail"], name: "token:1" }] }, "auth.enqueue[0].name must be"],
    ["with an unknown option", { enqueue: [{ token, jobs: ["mail"], queues: ["a"] }] }, '"queues" in auth.enqueue[0]'],
    ["in another scope", { read: [{ token, jobs: ["mail"] }] }, 'Unknown option "jobs" in auth.read[0]'],
    [
      "that is listed twice",
      {
        enqueue: [
          { token, jobs: ["mail"] },
          { token, jobs: ["mail"] },
        ],
      },
      "auth.enqueue[1] is listed before",
    ],
    [
      "that is listed with other jobs",
      {
        enqueue: [
          { token, jobs: ["mail"] },
          { token, jobs: ["report"] },
        ],
      },
      "auth.enqueue[1]",
    ],
    ["that is listed without limits too", { enqueue: [token, { token, jobs: ["mail"] }] }, "auth.enqueue[1]"],
    ["that has another scope", { enqueue: [{ token, jobs: ["mail"] }], admin: [token] }, "auth.admin[0]"],
  ])("%s, without printing it", (_, tokens, message) => {
    expect(build(tokens)).toThrow(message);
    expect(build(tokens)).not.toThrow(token);
  });

  test("unless a queue has no definitions, and so any job", () => {
    const queues = [new Queue({ store: memoryStore() })];
    expect(() => createHandler({ queues, auth: { enqueue: [{ token, jobs: ["elsewhere"] }] } })).not.toThrow();
  });
});
