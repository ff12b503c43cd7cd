import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";
import { clockByHand, start } from "../support/clock.ts";
import { type Fixture, fixtureQueue, loadFixture, makeFixture, recordVersion, seenIn } from "../support/fixture.ts";
import { keyBreaches, readStored, storedBreaches } from "../support/invariants.ts";
import { openStage, type Stage } from "../support/stage.ts";

// This version must read and run what released versions have stored. scripts/fixture.ts makes the fixture of a version.

const folder = join(import.meta.dirname, "../fixtures");
const versions = readdirSync(folder).flatMap((file) => /^(v\d+)\.json$/.exec(file)?.[1] ?? []);

test("there is a fixture of the current version", () => {
  expect(versions).toContain(`v${recordVersion}`);
});

describe.each([...versions, "this code"])("what %s has stored", (version) => {
  let stage: Stage;
  let fixture: Fixture;
  beforeAll(async () => {
    stage = await openStage();
    fixture = versions.includes(version)
      ? JSON.parse(await readFile(join(folder, `${version}.json`), "utf8"))
      : await makeFixture(stage);
  });
  afterAll(() => stage.close());

  async function load() {
    const prefix = stage.prefix();
    await loadFixture(stage.redis, fixture, prefix);
    const clock = clockByHand(fixture.at);
    return { prefix, clock, queue: fixtureQueue(stage.store(prefix), clock) };
  }

  test("has no field of a record and no key that docs/storage.md does not list, and this code has every field", async () => {
    const { prefix } = await load();
    const text = await readFile(join(import.meta.dirname, "../../docs/storage.md"), "utf8");
    const [table = ""] = text.slice(text.indexOf("| field | on |")).split("\n\n");
    const rows = [...table.matchAll(/^\| (`[^|]+) \|/gm)].map(([, names = ""]) => names);
    const fields = rows.flatMap((names) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
    const { jobs, deadJobs, done } = await readStored(stage.redis, prefix);
    const records = [...jobs.values(), ...deadJobs.values(), ...done.values()];
    const held = new Set(records.flatMap((record) => Object.keys(JSON.parse(record.slice(record.indexOf(":") + 1)))));
    expect([...held].filter((field) => !fields.includes(field))).toEqual([]);
    if (!versions.includes(version)) expect(fields.filter((field) => !held.has(field))).toEqual([]);
    expect(await keyBreaches(stage.redis, prefix)).toEqual([]);
  });

  test("reads as it did then", async () => {
    const { queue } = await load();
    // Fields that are new since then may be added.
    expect(await seenIn(queue)).toMatchObject(fixture.seen);
  });

  test("recognises repeated enqueues", async () => {
    const { queue } = await load();
    for (const id of ["succeed", "die", "later"])
      expect(await queue.enqueue("work", "again", { id })).toMatchObject({ status: "duplicate", id });
    const dedupe = { key: "once", ttl: "1h" } as const;
    expect(await queue.enqueue("work", "again", { dedupe })).toMatchObject({ status: "duplicate" });
  });

  test("drains: all jobs that waited, ran or were dead complete, and its schedules continue", async () => {
    const { queue, clock, prefix } = await load();
    const before = await queue.getStats();
    await queue.retryFromDeadLetter({ all: true });
    clock.now += 2 * 86_400_000;
    const report = await queue.drain();
    expect(report).toMatchObject({ claimed: report.completed, lost: 0, stoppedBy: "empty" });
    const { totalProcessed, pendingCount, runningCount, deadLetterCount } = await queue.getStats();
    expect({ pendingCount, runningCount, deadLetterCount }).toEqual({
      pendingCount: 0,
      runningCount: 0,
      deadLetterCount: 0,
    });
    const waited = before.pendingCount + before.runningCount + before.deadLetterCount;
    // The schedule made at run time has missed two occurrences; the declared one is gone with its declaration.
    expect(totalProcessed - before.totalProcessed).toBeGreaterThanOrEqual(waited + 2);
    expect(await queue.getJob("be killed")).toMatchObject({ state: "completed", attempts: 2 });
    expect(await queue.getJob("fail")).toMatchObject({ state: "completed", attempts: 3, errors: [{}, {}] });
    expect(storedBreaches(await readStored(stage.redis, prefix), clock.now)).toEqual([]);
  });
});

describe("children that a version without children has met", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  test("hold their parent until it looks, not for good, and it never starts early", async () => {
    const prefix = stage.prefix();
    const clock = clockByHand(start);
    const dies = defineJob({ name: "dies", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) });
    const started: string[] = [];
    const work = defineJob({ name: "work", perform: (payload: string) => void started.push(payload) });
    const queue = fixtureQueue(stage.store(prefix), clock, { jobs: [work, dies], logger: null });
    const child = { job: work, payload: "child", delay: "30m" } as const;
    await queue.enqueue(work, "ended", { id: "ended", children: [child] });
    await queue.enqueue(work, "completed", { id: "completed", waitFor: "completed", children: [{ job: dies }] });
    await queue.drain();
    // It ends a child, and removes a dead one, and leaves their marks.
    const keys = keysOf(prefix, "default");
    await stage.redis.send(["ZREM", keys.due, "ended/000000"]);
    await stage.redis.send(["HDEL", keys.jobs, "ended/000000"]);
    await stage.redis.send(["ZREM", keys.dead, "completed/000000"]);
    await stage.redis.send(["HDEL", keys["dead:jobs"], "completed/000000"]);
    await queue.drain();
    expect(started).toEqual([]);
    clock.now += 3_600_000;
    await queue.drain();
    expect([...started].sort()).toEqual(["completed", "ended"]);
    expect(
      [...(await readStored(stage.redis, prefix)).due.keys()].filter((name) => !name.startsWith(" name:")),
    ).toEqual([]);
  });
});

/** What v1.json lacks: keys, documents, a job leased as it was enqueued, planned occurrences, metrics. */
interface StoredForms extends Fixture {
  readonly seen: {
    readonly jobs: readonly { readonly id: string }[];
    readonly schedules: readonly { readonly key: string; readonly nextRunAt: string }[];
    readonly stats: Readonly<Record<string, number>>;
  };
}

describe("other forms of v1", () => {
  let stage: Stage;
  let fixture: StoredForms;
  beforeAll(async () => {
    stage = await openStage();
    fixture = JSON.parse(await readFile(join(folder, "v1-more.json"), "utf8"));
  });
  afterAll(() => stage.close());

  async function load() {
    const prefix = stage.prefix();
    await loadFixture(stage.redis, fixture, prefix);
    const clock = clockByHand(fixture.at);
    const jobs = ["work", "keyed", "dies"].map((name) => defineJob({ name, perform() {} }));
    const beat = defineJob({ name: "beat", schedule: { cron: "0 * * * *" }, perform() {} });
    const store = stage.store(prefix);
    return { prefix, clock, store, queue: fixtureQueue(store, clock, { jobs: [...jobs, beat], logger: null }) };
  }

  test("are read as they were then: jobs, lines of keys, schedules, documents and counts", async () => {
    const { queue, store, prefix } = await load();
    const { jobs } = await queue.listJobs({ limit: 1_000 });
    expect([...jobs].sort((a, b) => (a.id < b.id ? -1 : 1))).toMatchObject(fixture.seen.jobs);
    const schedules = await queue.schedules.list();
    expect(schedules.map(({ key, nextRunAt }) => ({ key, nextRunAt: nextRunAt?.toISOString() }))).toEqual(
      fixture.seen.schedules,
    );
    expect(await queue.getStats()).toMatchObject(fixture.seen.stats);
    expect(await queue.flowControl.get("shop")).toMatchObject({ key: "shop", concurrency: 1, waiting: 3 });
    expect(await store.open("default").findDocument("kept", "one", fixture.at)).toMatchObject({ text: "a text" });
    expect(await keyBreaches(stage.redis, prefix)).toEqual([]);
  });

  test("run: every job ends, those of a key in their order, and the schedules fire", async () => {
    const { queue, clock, prefix } = await load();
    await queue.retryFromDeadLetter({ all: true });
    clock.now += 3 * 3_600_000;
    while ((await queue.drain({ budget: { roundTrips: 60 } })).claimed > 0);
    const { pendingCount, runningCount, deadLetterCount, totalProcessed } = await queue.getStats();
    expect({ pendingCount, runningCount, deadLetterCount }).toEqual({
      pendingCount: 0,
      runningCount: 0,
      deadLetterCount: 0,
    });
    const { stats } = fixture.seen;
    const stood = (stats.totalProcessed ?? 0) + (stats.pendingCount ?? 0) + (stats.deadLetterCount ?? 0);
    expect(totalProcessed).toBe(stood + (stats.runningCount ?? 0) + fixture.seen.schedules.length);
    expect(await queue.getJob("line-3")).toMatchObject({ state: "completed" });
    expect(storedBreaches(await readStored(stage.redis, prefix), clock.now)).toEqual([]);
  });
});
