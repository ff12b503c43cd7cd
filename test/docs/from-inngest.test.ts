import { beforeEach, describe, expect, test } from "vitest";
import { report, signedUp, unsubscribed, welcome } from "../../examples/guide/inngest/after.ts";
import { outbox } from "../../examples/guide/services.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { drainAll, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";

const ada = { user: 7, email: "ada@example.com" };

beforeEach(() => {
  outbox.length = 0;
});

function setUp() {
  const clock = testClock(start);
  const queue = new Queue({ store: memoryStore(), jobs: [welcome, report], clock, logger: null });
  return { clock, queue };
}

describe("moving from Inngest", () => {
  test("steps stay steps, with a sleep between them, once for each event", async () => {
    const { clock, queue } = setUp();
    await signedUp(queue, ada);
    const again = await signedUp(queue, ada);
    expect(again.status).toBe("duplicate");
    await queue.drain();
    expect(outbox).toMatchObject([{ subject: "Welcome", key: "signed-up-7/hello" }]);
    await clock.advance("3d");
    await queue.drain();
    expect(outbox.map(({ subject }) => subject).filter((subject) => subject !== "Report")).toEqual(["Welcome", "Tips"]);
  });

  test("an error that cannot be retried is permanent", async () => {
    const { queue } = setUp();
    await signedUp(queue, { user: 8, email: "nobody" });
    expect(await queue.drain()).toMatchObject({ deadLettered: 1, retried: 0 });
  });

  test("a job that sleeps is cancelled", async () => {
    const { clock, queue } = setUp();
    await signedUp(queue, ada);
    await queue.drain();
    await unsubscribed(queue, 7);
    await drainAll(queue, { clock, until: start + 4 * 86_400_000 });
    expect(outbox.map(({ subject }) => subject)).toContain("Welcome");
    expect(outbox.map(({ subject }) => subject)).not.toContain("Tips");
  });

  test("the schedule fires in its time zone", async () => {
    const { clock, queue } = setUp();
    await queue.drain();
    await drainAll(queue, { clock, until: "2026-03-02T08:00:00Z" });
    expect(outbox).toMatchObject([{ subject: "Report", key: "report@2026-03-02T08:00:00.000Z" }]);
  });
});
