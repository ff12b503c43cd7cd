import { describe, expect, test } from "vitest";
import { defineJob, type FailurePage, memoryStore, PermanentError, Queue } from "../../src/index.ts";
import { address, adminToken, behindHandler, documentOf, kill, onEveryTarget } from "./run-cli.ts";

onEveryTarget((open) => {
  describe("queue:failures", () => {
    test("groups dead jobs, and its groups select them", async () => {
      const target = open();
      await kill(target, 3);
      await target.clock.advance("2h");
      const { code, stdout } = await target.cli(["queue:failures"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(
        /^GROUP +JOBS +FIRST +LAST +AGE +NAME +ERROR\n[0-9a-f]{12} +3 +2h ago +2h ago +new +fails +Error: no luck\n$/,
      );
      const { failures } = documentOf(await target.cli(["queue:failures", "--json"])) as FailurePage;
      expect(failures).toMatchObject([{ name: "fails", count: 3 }]);
      const { group = "" } = failures[0] ?? {};
      const listed = documentOf(await target.cli(["queue:dlq", "--group", group, "--json"])) as { jobs: unknown[] };
      expect(listed.jobs).toHaveLength(3);
      const dry = await target.cli(["queue:dlq", "remove", "--group", group, "--dry-run"]);
      expect(dry.stdout).toBe("3 dead jobs would be removed.\n");
      const asked = await target.cli(["queue:dlq", "retry", "--group", group], { isTerminal: true, input: "y\n" });
      expect(asked.stderr).toContain(`3 dead jobs of the group ${group}?`);
      expect(asked.stdout).toContain("Retried 3 dead jobs.");
      expect((await target.cli(["queue:failures"])).stdout).toBe("There are no dead jobs.\n");
    });

    test("refuses a group of another form, and two ways of choosing", async () => {
      const { cli } = open();
      expect(await cli(["queue:dlq", "retry", "--group", "charge"])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("as queue:failures shows it"),
      });
      expect((await cli(["queue:dlq", "retry", "--group", "3f1c9a04b7de", "--all"])).code).toBe(2);
    });
  });
});

onEveryTarget((open) => {
  test("marks groups that are new or over, the latest first, and says what JOBS counts with --since", async () => {
    const job = defineJob({
      name: "charge",
      maxRetries: 0,
      perform: (text: string) => Promise.reject(new Error(text)),
    });
    const { queue, clock, cli } = open({ jobs: [job], logger: null });
    const die = async (text: string) => {
      await queue.enqueue(job, text);
      await queue.drain();
    };
    await die("over");
    await die("goes on");
    await clock.advance("30h");
    await die("goes on");
    await clock.advance("10h");
    await die("began");
    const { stdout } = await cli(["queue:failures"]);
    expect(stdout.split("\n").slice(1, -1)).toEqual([
      expect.stringMatching(/ 1 +now +now +new +charge +Error: began$/),
      expect.stringMatching(/ 2 +40h ago +10h ago +charge +Error: goes on$/),
      expect.stringMatching(/ 1 +40h ago +40h ago +over +charge +Error: over$/),
    ]);
    const { failures } = documentOf(await cli(["queue:failures", "--json"])) as { failures: { age: string | null }[] };
    expect(failures.map(({ age }) => age)).toEqual(["new", null, "over"]);
    expect((await cli(["queue:failures", "--since", "11h"])).stdout).toMatch(
      /^GROUP +ALL JOBS .*\n.*began\n.* 2 .*goes on\n$/,
    );
  });
});

test("the latest groups come first, however many there are", async () => {
  const job = defineJob({
    name: "fails",
    maxRetries: 0,
    perform: (kind: string) => Promise.reject(new Error(`kind ${kind}`)),
  });
  const { queue, clock, cli } = behindHandler({ store: memoryStore(), jobs: [job], logger: null });
  const kinds = Array.from({ length: 130 }, (_, index) =>
    String.fromCharCode(97 + (index % 26)).repeat(1 + index / 26),
  );
  for (const payload of kinds) await queue.enqueue(job, payload);
  await queue.drain({ maxJobs: 1_000, budget: { roundTrips: 1_000, commands: 10_000 } });
  await clock.advance("1m");
  await queue.enqueue(job, "late");
  await queue.drain();
  const { stdout, stderr } = await cli(["queue:failures", "--limit", "3"]);
  expect(stdout.split("\n")[1]).toMatch(/ now .*kind late$/);
  expect(stderr).toContain("128 older groups not shown");
});

test("a terminal without room for the name of an error shows its message", async () => {
  const job = defineJob({
    name: "charge",
    maxRetries: 0,
    perform: () => Promise.reject(new PermanentError("the card has been stolen")),
  });
  const { queue, cli } = behindHandler({ jobs: [job], logger: null });
  await queue.enqueue(job);
  await queue.drain();
  const view = {
    isTerminal: true,
    columns: 80,
    env: { TIDEGATE_URL: address, TIDEGATE_TOKEN: adminToken, NO_COLOR: "1" },
  };
  expect((await cli(["queue:failures"], view)).stdout).toMatch(/ charge +the card has been stolen\n$/);
  expect((await cli(["queue:failures"], { ...view, columns: 100 })).stdout).toMatch(
    / PermanentError: the card has been stolen\n$/,
  );
});

test("on a terminal of 80 columns the table fits, and says how many dead jobs are in no group", async () => {
  const reason = "The parcel service answered with a long explanation of what it did not like about the parcel";
  const job = defineJob({
    name: "send_the_parcel_to_the_customer",
    maxRetries: 0,
    perform: () => Promise.reject(new PermanentError(reason)),
  });
  const store = memoryStore();
  const { queue, clock, cli } = behindHandler({ store, jobs: [job], logger: null });
  for (const each of [queue, new Queue({ store, clock, jobs: [job], logger: null, observe: false })]) {
    await each.enqueue(job);
    await each.drain();
  }
  const plain = { TIDEGATE_URL: address, TIDEGATE_TOKEN: adminToken, NO_COLOR: "1" };
  const { stdout, stderr } = await cli(["queue:failures"], { isTerminal: true, columns: 80, env: plain });
  const [titles = "", line = "", below = ""] = stdout.split("\n");
  expect(titles.length).toBeLessThanOrEqual(80);
  // The error goes below, since its beginning alone would not tell groups apart.
  expect(line).toMatch(/ send_the_parcel\S*…$/);
  expect(below).toMatch(/^ {10}PermanentError: The parcel service answered with a long explanation of/);
  expect(stdout.split("\n").filter((each) => each.length > 80)).toEqual([]);
  expect(stderr).toContain("1 dead job in no group. See: tidegate queue:dlq");
});
