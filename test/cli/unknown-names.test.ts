import { describe, expect, test } from "vitest";
import { useRedis } from "../support/stores.ts";
import { behindHandler, errorOf, inRedis } from "./run-cli.ts";

describe("straight on Redis", () => {
  const redis = useRedis();

  test.each(["queue:list", "queue:jobs", "queue:dlq"])(
    "%s of a queue that never stored anything is a usage error, and of an empty one it is not",
    async (command) => {
      const { queue, cli } = inRedis(redis, { name: "bulk" });
      const unknown = await cli([command, "--queue", "bluk", "--json"]);
      expect(unknown).toMatchObject({ code: 2, stdout: "" });
      expect(errorOf(unknown).message).toMatch(/^Queue bluk in Redis at .* has never had a job or a schedule\./);
      const { id } = await queue.enqueue("send_email", { to: "ada" });
      await queue.cancel(id);
      expect(await cli([command, "--queue", "bulk"])).toMatchObject({ code: 0, stderr: "" });
      expect(await cli([command])).toMatchObject({ code: 0, stderr: "" });
    },
  );

  test("queue:list finds a queue that has only a schedule, or is paused", async () => {
    const scheduled = inRedis(redis, { name: "bulk" });
    await scheduled.queue.schedules.upsert("daily", { job: "fails", cron: "@daily" });
    expect((await scheduled.cli(["queue:list", "--queue", "bulk"])).code).toBe(0);
    const paused = inRedis(redis, { name: "bulk" });
    await paused.queue.pause();
    expect((await paused.cli(["queue:list", "--queue", "bulk"])).code).toBe(0);
  });

  test("queue:enqueue accepts a job name that it cannot check, and says so", async () => {
    const { queue, cli, knowing } = inRedis(redis);
    const argv = ["queue:enqueue", "nosuchjob", "--id", "one"];
    expect(await cli(argv)).toMatchObject({ code: 0, stderr: expect.stringMatching(/not checked.* use --module/) });
    expect(await queue.getJob("one")).toMatchObject({ name: "nosuchjob" });
    expect(await cli([...argv, ...knowing])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining('No job is named "nosuchjob"'),
    });
  });
});

test("a handler refuses an unknown job name", async () => {
  const { queue, cli } = behindHandler();
  const { code, stdout, stderr } = await cli(["queue:enqueue", "nosuchjob"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain('No job is named "nosuchjob"');
  expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
});
