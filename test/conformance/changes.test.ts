import { describe, expect, test } from "vitest";
import { CHANGES_KEPT, type QueueStore } from "../../src/core/store/store.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { fails, sendEmail } from "../support/jobs.ts";
import { onEveryStore } from "../support/stores.ts";

onEveryStore((kind) => {
  const open = () => kind.create().open("default");
  const pageOf = async (store: QueueStore, limit: number, cursor?: string) => {
    const page = await store.changes(cursor, limit);
    return [page.items.join(""), page.cursor] as const;
  };

  test("changes are listed newest first, in pages that stay in place", async () => {
    const store = open();
    for (const text of "abcde") await store.noteChange(text);
    const [first, cursor] = await pageOf(store, 2);
    await store.noteChange("f");
    const [second, next] = await pageOf(store, 2, cursor);
    expect([first, second, await pageOf(store, 2, next)]).toEqual(["ed", "cb", ["a", undefined]]);
    expect(await pageOf(store, 6)).toEqual(["fedcba", undefined]);
  });

  test("a change that arrives twice is listed once, also at the end of a page", async () => {
    const store = open();
    for (const text of "abbcc") await store.noteChange(text);
    const [first, cursor] = await pageOf(store, 2);
    expect([first, await pageOf(store, 2, cursor)]).toEqual(["cb", ["a", undefined]]);
  });

  test("only the latest changes are kept", async () => {
    const store = open();
    for (let n = 0; n <= CHANGES_KEPT; n++) await store.noteChange(`${n}`);
    const { items } = await store.changes(undefined, CHANGES_KEPT);
    expect([items.length, items.at(0), items.at(-1)]).toEqual([CHANGES_KEPT, `${CHANGES_KEPT}`, "1"]);
  });

  test("a cursor of something else is refused", async () => {
    await expect(open().changes("x", 1)).rejects.toMatchObject({ code: "invalid_request" });
  });
});

describe("a queue", () => {
  const opened = () => {
    const clock = clockByHand(start);
    const store = memoryStore();
    return { clock, store, queue: new Queue({ store, jobs: [sendEmail, fails], clock, logger: null }) };
  };

  test("lists the calls in code that say by whom, and no others", async () => {
    const { queue } = opened();
    const by = "deploy";
    const { id } = await queue.enqueue("fails", 1, { delay: "1h" });
    await queue.pause();
    await queue.pause({ by });
    await queue.resume({ by });
    await queue.reschedule(id, "2h", { by });
    await queue.cancelPending({ name: "fails" }, { by, dryRun: true });
    await queue.retryFromDeadLetter({ all: true }, { by });
    await queue.cancel(id, { by });
    await queue.signal("paid", 1, { by });
    await queue.flowControl.set("mail", { concurrency: 2 }, { by });
    await queue.flowControl.pause("mail", { by });
    await queue.schedules.upsert("daily", { job: "fails", every: "1d", by });
    await queue.schedules.remove("daily", { by });
    await queue.enqueue("fails", 1, { delay: "1h" });
    await queue.clear({ by });
    const { changes } = await queue.listChanges();
    expect(changes.every((change) => change.by === by && change.at.getTime() === start)).toBe(true);
    expect(changes.map(({ operation, target, count }) => [operation, target, count]).reverse()).toEqual([
      ["pause", null, null],
      ["resume", null, null],
      ["updateJob", id, null],
      ["cancelJob", id, null],
      ["sendSignal", "paid", null],
      ["setFlowControlKey", "mail", null],
      ["pauseFlowControlKey", "mail", null],
      ["putSchedule", "daily", null],
      ["removeSchedule", "daily", null],
      ["clearJobs", "pending", 1],
    ]);
  });

  test("sums up the pieces of one large change, on a short page too, and no two changes", async () => {
    const { queue, store } = opened();
    await queue.pause({ by: "ada" });
    // The fourth is a retry of its own.
    for (const [index, isPiece] of [undefined, true, true, undefined].entries())
      await store
        .open("default")
        .noteChange(
          JSON.stringify({ at: start + index, by: "ada", operation: "retryDeadJobs", target: null, count: 2, isPiece }),
        );
    const { changes } = await queue.listChanges();
    const [own, sum, pause] = [{ count: 2 }, { operation: "retryDeadJobs", count: 6 }, { operation: "pause" }];
    expect(changes).toMatchObject([own, sum, pause]);
    const first = await queue.listChanges({ limit: 2 });
    expect(first).toMatchObject({ changes: [own, sum] });
    expect(await queue.listChanges({ limit: 1, cursor: first.cursor ?? "" })).toMatchObject({
      ...{ changes: [pause], cursor: null },
    });
  });

  test("lists only changes since a time, and has no more pages after them", async () => {
    const { queue, clock } = opened();
    await queue.pause({ by: "ada" });
    clock.now += 3_600_000;
    await queue.resume({ by: "ada" });
    expect(await queue.listChanges({ since: "30m" })).toMatchObject({
      ...{ changes: [{ operation: "resume" }], cursor: null },
    });
    expect((await queue.listChanges({ since: new Date(start) })).changes).toHaveLength(2);
  });

  test("says who has paused it or a key of it, and why, until it is resumed", async () => {
    const { queue } = opened();
    const given = { by: "on-call", reason: "CRM is down" };
    await queue.pause(given);
    await queue.flowControl.pause("mail", given);
    const shown = { pausedBy: "on-call", pausedAt: new Date(start), pausedReason: "CRM is down" };
    expect(await queue.getStats()).toMatchObject({ paused: true, ...shown });
    expect(await queue.flowControl.get("mail")).toMatchObject({ paused: true, ...shown });
    expect((await queue.flowControl.list()).keys).toMatchObject([{ paused: true, ...shown }]);
    for (let n = 0; n < 150; n++) await queue.signal(`event-${n}`, null, { by: "cleanup" });
    expect(await queue.getStats()).toMatchObject(shown);
    expect(await queue.flowControl.get("mail")).toMatchObject(shown);
    expect(await queue.resume({ by: "on-call" })).toEqual({ resumed: true });
    expect(await queue.resume({ by: "on-call" })).toEqual({ resumed: false });
    await queue.pause();
    expect(await queue.getStats()).not.toHaveProperty("pausedBy");
  });

  test.each(["", 7, "x".repeat(65)])("refuses %j as by", async (by) => {
    const { queue } = opened();
    await expect(queue.pause({ by: by as string })).rejects.toThrow(/^by must/);
    expect((await queue.getStats()).paused).toBe(false);
  });
});
