import { readFile } from "node:fs/promises";
import parse from "parse-prometheus-text-format";
import { describe, expect, test } from "vitest";
import { memoryStore, Queue } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { fails, setUp } from "./memory-handler.ts";

async function familiesOf(call: ReturnType<typeof setUp>["call"], path = "/metrics") {
  const { status, headers, text } = await call("GET", path);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return new Map(parse(text).map((family) => [family.name, family]));
}

describe("GET /metrics", () => {
  test("can be read by a Prometheus parser, with the value of every count", async () => {
    const { call, queue, clock } = setUp();
    await queue.enqueueMany([
      { job: "send_email", payload: { to: "ada" } },
      { job: "fails" },
      { job: "fails", delay: "1h" },
      { job: "fails", expires: "1s" },
    ]);
    clock.now += 2_000;
    await queue.drain();
    await queue.enqueue("fails");
    clock.now += 1_500;
    const families = await familiesOf(call);
    const value = (name: string, state?: string) =>
      families.get(name)?.metrics.find(({ labels }) => state === undefined || labels?.["state"] === state)?.value;
    expect(value("tidegate_jobs", "scheduled")).toBe("1");
    expect(value("tidegate_jobs", "ready")).toBe("1");
    expect(value("tidegate_jobs", "running")).toBe("0");
    expect(value("tidegate_jobs", "dead")).toBe("1");
    expect(value("tidegate_jobs_enqueued_total")).toBe("5");
    expect(value("tidegate_jobs_completed_total")).toBe("1");
    expect(value("tidegate_jobs_dead_total")).toBe("1");
    expect(value("tidegate_jobs_expired_total")).toBe("1");
    expect(value("tidegate_job_retries_total")).toBe("0");
    expect(value("tidegate_queue_paused")).toBe("0");
    expect(value("tidegate_oldest_ready_job_age_seconds")).toBe("1.5");
    expect(value("tidegate_next_run_timestamp_seconds")).toBe(String((start + 2_000) / 1_000));
    expect([...families.values()].every(({ help }) => help.length > 0)).toBe(true);
  });

  test("counts waits and runs in cumulative buckets", async () => {
    const { call, queue, clock } = setUp();
    await queue.enqueueMany([{ job: "fails" }, { job: "fails", runAt: new Date(start + 1_900) }]);
    clock.now += 2_000;
    await queue.drain();
    const waiting = (await familiesOf(call)).get("tidegate_job_waiting_seconds")?.metrics ?? [];
    expect(waiting[0]?.buckets).toMatchObject({
      "0.05": "0",
      "0.1": "1",
      "1": "1",
      "2.5": "2",
      "1800": "2",
      "+Inf": "2",
    });
    // The parser returns no sum and no count for metrics with labels.
    const { text } = await call("GET", "/metrics");
    expect(text).toContain('\ntidegate_job_waiting_seconds_sum{queue="default"} 2.1\n');
    expect(text).toContain('\ntidegate_job_waiting_seconds_count{queue="default"} 2\n');
  });

  test("covers every queue at the root, and one queue below its name, whatever the name", async () => {
    const store = memoryStore();
    const clock = () => start;
    const queues = ["urgent", 'a "b" \\ c'].map((name) => new Queue({ name, store, jobs: [], clock }));
    const { call } = setUp({ handler: { queues } });
    const names = async (path: string) =>
      (await familiesOf(call, path))
        .get("tidegate_jobs_enqueued_total")
        ?.metrics.map(({ labels }) => labels?.["queue"]);
    expect(await names("/metrics")).toEqual(["urgent", 'a "b" \\ c']);
    expect(await names("/queues/urgent/metrics")).toEqual(["urgent"]);
  });

  test("has the running and waiting jobs of the twenty busiest flow control keys", async () => {
    const { call, queue } = setUp();
    const enqueue = (key: string, count: number) =>
      queue.enqueueMany(
        Array.from({ length: count }, () => ({ job: "fails", delay: "1h", flowControl: { key } }) as const),
      );
    await queue.flowControl.pause("idle");
    for (let rank = 1; rank <= 25; rank++) await enqueue(`key-${rank}`, rank);
    await enqueue('a "b" \\ é', 30);
    expect(
      await familiesOf(call).then((families) => families.get("tidegate_flow_control_waiting_jobs")?.metrics),
    ).toEqual([]);
    const families = await familiesOf(call, "/metrics?keys=true");
    const waiting = families.get("tidegate_flow_control_waiting_jobs")?.metrics ?? [];
    const values = waiting.map(({ labels, value }) => [labels?.["key"], Number(value)]);
    const ranks = Array.from({ length: 19 }, (_, index) => 25 - index);
    expect(values).toEqual([['a "b" \\ é', 30], ...ranks.map((rank) => [`key-${rank}`, rank])]);
    const running = families.get("tidegate_flow_control_running_jobs")?.metrics ?? [];
    expect(running).toHaveLength(20);
    expect(running.every(({ value }) => value === "0")).toBe(true);
  });

  test("has what became of the jobs of each name, and how long they took in the last hour", async () => {
    const { call, queue, clock } = setUp();
    await queue.enqueueMany([{ job: "send_email", payload: { to: "ada" } }, { job: "fails" }, { job: "fails" }]);
    clock.now += 2_000;
    await queue.drain();
    const families = await familiesOf(call);
    const samples = (name: string) =>
      (families.get(name)?.metrics ?? []).map(({ labels, value }) => [...Object.values(labels ?? {}).slice(1), value]);
    const ended = samples("tidegate_name_outcomes_total");
    expect(ended.filter(([, outcome]) => /completed|retried|dead/.test(outcome ?? ""))).toEqual([
      ["fails", "completed", "0"],
      ["fails", "retried", "0"],
      ["fails", "dead", "2"],
      ["send_email", "completed", "1"],
      ["send_email", "retried", "0"],
      ["send_email", "dead", "0"],
    ]);
    expect(samples("tidegate_name_waiting_seconds")).toEqual([
      ["fails", "0.5", "1.802"],
      ["fails", "0.95", "1.802"],
      ["send_email", "0.5", "1.802"],
      ["send_email", "0.95", "1.802"],
    ]);
    expect(samples("tidegate_name_running_seconds")).toHaveLength(4);
  });

  test("has no figure of a key without jobs", async () => {
    const { call, queue } = setUp();
    await queue.flowControl.pause("idle");
    expect((await call("GET", "/metrics?keys=true")).text).not.toContain("idle");
  });

  test("has every metric of the example Grafana dashboard", async () => {
    const { call, queue } = setUp();
    await queue.enqueueMany([{ job: "fails" }, { job: "fails", delay: "1h", flowControl: { key: "acme" } }]);
    await queue.drain();
    const { text } = await call("GET", "/metrics?keys=true");
    const dashboard = JSON.parse(await readFile("examples/grafana/tidegate.json", "utf8"));
    const queries: string[] = dashboard.panels.flatMap((panel: { targets: { expr: string }[] }) =>
      panel.targets.map(({ expr }) => expr),
    );
    const asked = new Set(queries.flatMap((query) => query.match(/tidegate_\w+/g) ?? []));
    expect(asked.size).toBeGreaterThan(5);
    for (const name of asked) expect(text).toContain(`\n${name}{`);
  });
});

describe("GET /queues", () => {
  test("has the statistics of every queue, and the attempts that ended in each minute of the last hour", async () => {
    const store = memoryStore();
    const clock = () => start;
    const [mail, bulk] = ["mail", "bulk"].map((name) => new Queue({ name, store, clock, jobs: [fails], logger: null }));
    const { call } = setUp({ handler: { queues: [mail, bulk] as [Queue, Queue] } });
    await bulk?.enqueueMany([{ job: fails }, { job: fails }]).then(() => bulk?.drain());
    const { body } = await call("GET", "/queues");
    const quiet = Array.from({ length: 59 }, () => 0);
    expect(body).toEqual({
      queues: [
        { queue: "mail", stats: expect.objectContaining({ totalEnqueued: 0 }), ended: [...quiet, 0] },
        { queue: "bulk", stats: expect.objectContaining({ deadLetterCount: 2 }), ended: [...quiet, 2] },
      ],
      total: {
        queue: "all queues",
        stats: expect.objectContaining({ totalEnqueued: 2, deadLetterCount: 2 }),
        ended: [...quiet, 2],
      },
    });
    expect((await call("GET", "/queues/bulk/queues")).body).toMatchObject({ queues: [{ queue: "bulk" }] });
  });
});

describe("GET /activity", () => {
  test("covers the last hour", async () => {
    const { call, queue } = setUp();
    await queue.enqueue("fails").then(() => queue.drain());
    const { status, body } = await call("GET", "/activity");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      stats: { totalFailed: 1 },
      waiting: { sumMs: 0 },
      running: { sumMs: 0 },
    });
    const minutes = body["minutes"] as readonly unknown[];
    expect(minutes).toHaveLength(60);
    expect(minutes.at(-1)).toMatchObject({
      at: new Date(start).toISOString(),
      processed: 0,
      retried: 0,
      dead: 1,
    });
  });

  test.each(["/activity", "/metrics", "/queues"])("%s is refused for an enqueue token", async (path) => {
    const { call } = setUp({ handler: { auth: { enqueue: ["may-enqueue-only"], admin: ["may-do-all-of-it"] } } });
    expect((await call("GET", path)).status).toBe(401);
    expect((await call("GET", path, undefined, { Authorization: "Bearer may-enqueue-only" })).status).toBe(403);
    expect((await call("GET", path, undefined, { Authorization: "Bearer may-do-all-of-it" })).status).toBe(200);
  });
});
