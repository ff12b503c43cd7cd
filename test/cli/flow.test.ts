import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { doctor, findingOf } from "./doctor-findings.ts";
import { documentOf, errorOf, hasEscapes, onEveryTarget } from "./run-cli.ts";

const sync = defineJob({
  name: "sync",
  flowControl: { key: (tenant: string) => tenant, concurrency: 2 },
  perform() {},
});
const tenants = (names: readonly string[]) => names.map((payload) => ({ job: sync, payload }));

onEveryTarget((openWith) => {
  const open = () => openWith({ jobs: [sync] });

  describe("queue:flow", () => {
    test("lists keys in a table, the busiest first, with limits and state", async () => {
      const { queue, cli } = open();
      await queue.enqueueMany(tenants(["one", "three", "three", "three", "two", "two"]));
      await queue.flowControl.set("two", { rate: 1_000, period: "90s", concurrency: 5 });
      await queue.flowControl.pause("one");
      await queue.flowControl.set("idle", { ordered: true });
      const { code, stdout, stderr } = await cli(["queue:flow"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual([
        ["RUNNING", "WAITING", "LIMITS", "STATE", "KEY"],
        ["0", "3", "2 at once", "-", "three"],
        ["0", "2", "5 at once, 1,000 per 90s", "pinned", "two"],
        ["0", "1", "2 at once", "paused", "one"],
        ["0", "0", "in order", "pinned", "idle"],
        [""],
      ]);
    });

    test("--json prints what the HTTP API returns, page by page or all of it", async () => {
      const { queue, cli } = open();
      expect((await cli(["queue:flow"])).stdout).toBe("No flow control key is in use.\n");
      expect(documentOf(await cli(["queue:flow", "--json"]))).toEqual({ keys: [], cursor: null });
      const names = Array.from({ length: 30 }, (_, index) => `tenant-${index}`);
      await queue.enqueueMany(tenants(names));
      const all = documentOf(await cli(["queue:flow", "list", "--all", "--limit", "7", "--json"]));
      const { keys, cursor } = all as { keys: { key: string }[]; cursor: string | null };
      expect(keys.map(({ key }) => key)).toEqual([...names].sort());
      expect(cursor).toBeNull();
      expect(keys[0]).toEqual(JSON.parse(JSON.stringify(await queue.flowControl.get("tenant-0"))));
    });

    test("show prints everything about a key, and fails for an unknown one", async () => {
      const { clock, queue, cli } = open();
      await queue.flowControl.set("api/\u{1F600}", { rate: 1, period: "1m" });
      await queue.enqueueMany(tenants(["api/\u{1F600}", "api/\u{1F600}"]));
      await queue.drain();
      await clock.advance("20s");
      const { stdout } = await cli(["queue:flow", "show", "api/\u{1F600}"]);
      expect(stdout).toMatch(/^Key +api\/\u{1F600}\nRunning +0\nWaiting +1\nLimits +1 per 1m\n/u);
      expect(stdout).toMatch(/Window +1 started, closes 2026-03-01 12:01:00 UTC \(in 40 seconds\)\nState +pinned\n$/);
      const shown = documentOf(await cli(["queue:flow", "show", "api/\u{1F600}", "--json"]));
      expect(shown).toMatchObject({ startedInWindow: 1, windowEndsAt: "2026-03-01T12:01:00.000Z" });
      expect(await cli(["queue:flow", "api/\u{1F600}"])).toMatchObject({ code: 0, stdout });
      const word = errorOf(await cli(["queue:flow", "stop", "--json"]));
      expect(word.message).toMatch(
        /^Nothing waits or runs .* queue:flow takes list, show, set, unset, pause or resume\.$/,
      );
      const unknown = await cli(["queue:flow", "show", "other", "--json"]);
      expect(unknown.code).toBe(1);
      expect(errorOf(unknown).code).toBe("not_found");
    });

    test("set pins limits, and unset lets the next enqueue change them", async () => {
      const { queue, cli } = open();
      const set = await cli(["queue:flow", "set", "a b", "--concurrency", "3", "--rate", "9", "--period", "1h"]);
      expect(set).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Limits of a b: 3 at once, 9 per 1h\. /) });
      expect(set.stdout).toContain("queue:flow unset 'a b'");
      await queue.enqueue(sync, "a b");
      const pinned = { concurrency: 3, rate: 9, period: 3_600_000, pinned: true };
      expect(documentOf(await cli(["queue:flow", "show", "a b", "--json"]))).toMatchObject(pinned);
      expect((await cli(["queue:flow", "unset", "a b"])).stdout).toBe("The next enqueue sets the limits of a b.\n");
      await queue.enqueue(sync, "a b");
      expect(await queue.flowControl.get("a b")).toMatchObject({ concurrency: 2, rate: null, pinned: false });
      const ordered = await cli(["queue:flow", "set", "a b", "--ordered", "--json"]);
      expect(documentOf(ordered)).toMatchObject({ key: "a b", ordered: true, concurrency: 1, rate: null });
      expect((await cli(["queue:flow", "set", "a b"])).stdout).toMatch(/^Limits of a b: none\. /);
    });

    test("pause holds back the jobs of a key until resume", async () => {
      const { queue, cli } = open();
      const paused = await cli(["queue:flow", "pause", "acme"]);
      expect(paused.stdout).toMatch(/^acme is paused\. Resume with: tidegate queue:flow resume acme( |\n)/);
      await queue.enqueue(sync, "acme");
      expect(await queue.drain()).toMatchObject({ claimed: 0 });
      expect(documentOf(await cli(["queue:flow", "resume", "acme", "--json"]))).toEqual({ paused: false });
      expect(await queue.drain()).toMatchObject({ completed: 1 });
    });

    test.each([
      ["set acme --rate 5", "rate needs a period"],
      ["set acme --period 1m", "period needs a rate"],
      ["set acme --rate 5 --period 32d", "31 days"],
      ["set acme --rate 5 --period soon", "must be a duration"],
      ["set acme --concurrency 0", "whole number"],
      ["set acme --ordered --concurrency 2", "one job at a time"],
      ["set acme --burst 2", "unknown option"],
      ["set", "missing required argument"],
      [`set ${"x".repeat(257)} --concurrency 2`, "256 characters"],
      ["pause", "missing required argument"],
      ["pause ..", ""],
      ["stop acme", "takes list, show, set, unset, pause or resume"],
      ["list --cursor nonsense", "cursor"],
      ["list --name sync", "unknown option"],
    ])("%s is a usage error, and stores nothing", async (words, message) => {
      const { queue, cli } = open();
      const { code, stdout, stderr } = await cli(["queue:flow", ...words.split(" ")]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(message);
      expect(await queue.flowControl.list()).toEqual({ keys: [], cursor: null });
    });

    test("a key cannot control the terminal", async () => {
      const { queue, cli } = open();
      await queue.enqueueMany(tenants(["a\u2028bc", "a\u2028bc"]));
      for (const words of [["list"], ["show", "a\u2028bc"], ["pause", "a\u2028bc"]]) {
        const { stdout } = await cli(["queue:flow", ...words]);
        expect(stdout).toContain("a\ufffdbc");
        expect(hasEscapes(stdout)).toBe(false);
      }
    });
  });

  describe("jobs that a key holds back for hours", () => {
    const held = async () => {
      const target = open();
      await target.queue.flowControl.pause("acme");
      await target.queue.enqueueMany(tenants(Array(30).fill("acme")));
      await target.clock.advance("5h");
      return target;
    };

    test("are no backlog for queue:doctor", async () => {
      const { cli } = await held();
      expect(findingOf(await cli(doctor), "backlog")).toMatchObject({
        status: "ok",
        message: expect.stringMatching(/^30 jobs ready, all held back: see tidegate queue:flow/),
      });
    });

    test("are said by queue:list to be held back", async () => {
      const { cli } = await held();
      expect((await cli(["queue:list"])).stdout).toMatch(/Ready +30 +held back: see tidegate queue:flow/);
    });
  });

  describe("queue:jobs with an id", () => {
    test("says why a job is held back, since when and until when", async () => {
      const { clock, queue, cli } = open();
      await queue.flowControl.set("api", { rate: 1, period: "1m" });
      await queue.enqueue(sync, "api", { id: "first" });
      await queue.enqueue(sync, "api", { id: "second" });
      await queue.drain();
      await clock.advance("20s");
      const { stdout } = await cli(["queue:jobs", "second"]);
      expect(stdout).toMatch(/State +ready\n/);
      expect(stdout).toMatch(
        /Held back by +the key api: as many of its jobs have started in this window as may \(rate\)\n/,
      );
      expect(stdout).toMatch(/since +2026-03-01 12:00:00 UTC \(20 seconds ago\)\n/);
      expect(stdout).toMatch(/until +2026-03-01 12:01:00 UTC \(in 40 seconds\)\n/);
      expect(documentOf(await cli(["queue:jobs", "second", "--json"]))).toMatchObject({
        heldBack: { key: "api", reason: "rate", until: "2026-03-01T12:01:00.000Z" },
      });
    });

    test("shows no reason for a job that is not held back, and no end if none is known", async () => {
      const { queue, cli } = open();
      await queue.enqueue(sync, "acme", { id: "only" });
      expect((await cli(["queue:jobs", "only"])).stdout).not.toContain("Held back");
      await queue.flowControl.pause("acme");
      const { stdout } = await cli(["queue:jobs", "only"]);
      expect(stdout).toMatch(/Held back by +the key acme: it is paused\n/);
      expect(stdout).not.toMatch(/^until/m);
    });
  });
});
