import { expect, test } from "vitest";
import { documentOf, onEveryTarget } from "./run-cli.ts";

onEveryTarget((open) => {
  test("queue:pause pauses a queue, and queue:resume resumes it", async () => {
    const { queue, cli } = open();
    expect((await cli(["queue:pause"])).stdout).toMatch(
      /is paused\. Resume with: tidegate queue:resume( --prefix \S+)?\n$/,
    );
    expect(await queue.getStats()).toMatchObject({ paused: true });
    expect(documentOf(await cli(["queue:resume", "--json"]))).toEqual({ paused: false });
    expect(await queue.getStats()).toMatchObject({ paused: false });
  });
});
