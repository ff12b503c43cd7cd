import { describe, expect, test, vi } from "vitest";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";
import { behindHandler, documentOf, inRedis, tidegate } from "./run-cli.ts";

interface Cost {
  readonly measured: { readonly what: string; readonly commands: number; readonly roundTrips: number }[];
  readonly month: { readonly shares: { what: string; times: number; commands: number }[]; readonly commands: number };
  readonly plan: { readonly name: string; readonly share?: number; readonly dollars?: number };
}

describe("queue:cost", () => {
  const redis = useRedis();

  test("measures the cost of each operation in Redis", async () => {
    const { measured } = documentOf(await inRedis(redis).cli(["queue:cost", "--json"])) as Cost;
    // The figures of docs/guide/costs.md, which test/costs asserts of the stores.
    expect(measured.map(({ commands }) => commands)).toEqual([
      1, // an idle tick
      2, // an enqueue
      expect.any(Number),
      8, // eager, from enqueue to done
      expect.closeTo(0.25, 1), // one of a hundred: a claim for ten slots, then one for the rest
      expect.any(Number),
      expect.any(Number),
    ]);
    for (const { commands, roundTrips } of measured) expect(commands).toBeGreaterThanOrEqual(roundTrips);
  });

  test("logs nothing of the job that it lets fail", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    await inRedis(redis).cli(["queue:cost", "--json"]);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  test("costs about as much as its help says, and leaves no key behind", async () => {
    const { cli } = inRedis(redis);
    const { commands } = await countCommands(redis.server.port, () => cli(["queue:cost", "--json"]));
    expect(commands).toBeGreaterThan(50);
    expect(commands).toBeLessThan(150);
    const { url, token } = redis.shim;
    const body = JSON.stringify(["KEYS", "tidegate-cost-*"]);
    const keys = await fetch(url, { method: "POST", headers: { Authorization: `Bearer ${token}` }, body });
    expect(await keys.json()).toEqual({ result: [] });
  });

  test("multiplies by ticks, by the occurrences of schedules, and by the expected jobs", async () => {
    const { queue, cli } = inRedis(redis);
    await queue.schedules.upsert("daily", { job: "fails", cron: "0 0 9 * * *" });
    await queue.schedules.upsert("often", { job: "fails", cron: "*/15 * * * * *" });
    const cost = documentOf(await cli(["queue:cost", "--tick", "2m", "--jobs", "1000", "--json"])) as Cost;
    const [idle, enqueue, lone, , , , slot] = cost.measured.map(({ commands }) => commands);
    expect(cost.month.shares).toEqual([
      { what: "ticks", times: 21_600, commands: 21_600 * (idle ?? 0) },
      { what: "schedule daily", times: 30, commands: 30 * (slot ?? 0) },
      { what: "schedule often", times: 172_800, commands: 172_800 * (slot ?? 0) },
      { what: "other jobs, each alone", times: 1_000, commands: 1_000 * ((enqueue ?? 0) + (lone ?? 0)) },
    ]);
    expect(cost.plan).toEqual({ name: "free", share: cost.month.commands / 500_000 });
  });

  test("prints the monthly price on a plan", async () => {
    const { cli } = inRedis(redis);
    const free = await cli(["queue:cost"]);
    expect(free).toMatchObject({ code: 0, stderr: "" });
    expect(free.stdout).toMatch(/ 1 +1 +a tick that finds nothing\n/);
    expect(free.stdout).toMatch(/43,200 +43,200 +ticks\n/);
    expect(free.stdout).toContain("At most 43,200 commands a month in all. Free plan: 8.6 % of its 500,000.");
    const { stdout } = await cli(["queue:cost", "--plan", "payg", "--jobs", "1000000"]);
    expect(stdout).toMatch(/Pay as you go: \$\d+\.\d\d\./);
  });

  test("needs Redis, and refuses a handler", async () => {
    for (const given of [[], ["--url", "https://queue.test/jobs"]]) {
      const { code, stderr } = await behindHandler().cli(["queue:cost", ...given]);
      expect(code).toBe(2);
      expect(stderr).toContain("it cannot measure a handler.\nThe dashboard of the handler shows the cost of a month");
      expect(stderr).toContain(`in: ${["tidegate", "queue:list", ...given, "--queue", "NAME"].join(" ")}\n`);
    }
    expect((await tidegate(["queue:cost"])).stderr).toContain("UPSTASH_REDIS_REST_URL is not set.");
    expect((await inRedis(redis).cli(["queue:cost", "--tick", "10ms"])).code).toBe(2);
    expect((await inRedis(redis).cli(["queue:cost", "--plan", "gold"])).code).toBe(2);
  });

  test("fails if Redis is unreachable", async () => {
    const env = { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1", UPSTASH_REDIS_REST_TOKEN: "token" };
    expect((await tidegate(["queue:cost"], { env })).code).toBe(1);
  });
});
