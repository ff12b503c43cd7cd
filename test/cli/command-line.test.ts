import { describe, expect, test } from "vitest";
import { useRedis } from "../support/stores.ts";
import { address, adminToken, behindHandler, inRedis, kill, sendEmail, type Target } from "./run-cli.ts";

/** The command that an answer ends with, or has on a line of its own, as words to type. */
function hintOf(text: string): readonly string[] {
  const typed = /tidegate (queue:.*)/.exec(text)?.[1] ?? "";
  return typed.replaceAll("'", "").split(" ");
}

describe("a command that a report suggests works when it is pasted", () => {
  const redis = useRedis();
  const chosen = ["--url", address, "--queue", "bulk"];
  const world = { env: { TIDEGATE_TOKEN: adminToken } };

  async function paused(target: Target): Promise<Target> {
    await kill(target, 1);
    await target.queue.enqueue(sendEmail, { to: "ada" });
    await target.clock.advance("2h");
    await target.queue.pause();
    return target;
  }

  test.each([["queue:pause"], ["queue:list"], ["queue:work", "--once"]])(
    "by %s, for a queue behind a handler",
    async (...argv) => {
      const { queue, cli } = await paused(behindHandler({ name: "bulk" }));
      const { stdout, stderr } = await cli([...argv, ...chosen], world);
      expect(hintOf(stdout + stderr)).toEqual(["queue:resume", ...chosen]);
      await cli(hintOf(stdout + stderr), world);
      expect(await queue.getStats()).toMatchObject({ paused: false });
    },
  );

  test("by queue:doctor and queue:dlq, for a queue behind a handler", async () => {
    const target = await paused(behindHandler({ name: "bulk" }));
    const module = ["--module", "./modules/jobs.ts"];
    const doctor = await target.cli(["queue:doctor", ...chosen, ...module], world);
    expect(doctor.stdout).toContain(`Resume with: tidegate queue:resume ${chosen.join(" ")}\n`);
    expect(doctor.stdout).toContain(`See why: tidegate queue:failures ${chosen.join(" ")}\n`);
    await target.queue.resume();
    const behind = await target.cli(["queue:doctor", ...chosen, ...module], world);
    expect(behind.stdout).toContain(`Try: tidegate queue:work --once ${chosen.join(" ")}\n`);
    const unknown = await target.cli(["queue:dlq", "show", "nobody", ...chosen], world);
    expect((await target.cli(hintOf(unknown.stderr), world)).stdout).toMatch(/fails/);
  });

  test("by queue:doctor, straight on Redis: asks for the jobs module if it has none", async () => {
    const target = inRedis(redis);
    await target.queue.enqueue(sendEmail, { to: "ada" });
    await target.clock.advance("2h");
    const without = await target.cli(["queue:doctor"]);
    expect(without.stdout).toContain("Try: tidegate queue:work --once --module FILE --prefix cli-");
    const { stdout } = await target.cli(["queue:doctor", ...target.knowing]);
    await target.cli(hintOf(/Try: .*/.exec(stdout)?.[0] ?? ""));
    expect(await target.queue.getStats()).toMatchObject({ totalProcessed: 1 });
  });

  test("never contains the token, and is quoted for a shell", async () => {
    const { cli } = behindHandler({ name: "it's big" });
    const argv = ["queue:pause", "--url", address, "--token", adminToken, "--queue", "it's big"];
    expect((await cli(argv, { env: {} })).stdout).toContain(
      `: tidegate queue:resume --url ${address} --queue 'it'\\''s big'\n`,
    );
  });
});
