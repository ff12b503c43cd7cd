import { describe, expect, test } from "vitest";
import { onEveryStore } from "../support/stores.ts";
import { note, openQueue } from "./open-queue.ts";

// "9:" stands for a version that this code does not know.
const newer = { code: "conflict", message: expect.stringMatching(/was stored by a newer version.*Upgrade/) };
const damaged = { code: "conflict", message: expect.stringMatching(/has a damaged record.*Remove it/) };

onEveryStore((kind) => {
  describe("a record that this version cannot read", () => {
    test.each([
      ["9:{}", newer],
      ["1:{", damaged],
    ])("%s is refused by all that would show or change its job, and stays", async (record, refusal) => {
      const { clock, store, queue } = openQueue(kind);
      const stored = store.open("default");
      await queue.enqueue(note, 1, { delay: "1h" });
      await stored.enqueue([{ id: "strange", isFreshId: false, runAt: clock() + 60_000, record }], clock());
      await expect(queue.getJob("strange")).rejects.toMatchObject(refusal);
      await expect(queue.listJobs()).rejects.toMatchObject(refusal);
      await expect(queue.update("strange", { payload: 2 })).rejects.toMatchObject(refusal);
      expect(await stored.find("strange", clock())).toMatchObject({ record, claims: 0 });
      expect(await queue.getStats()).toMatchObject({ scheduledCount: 2 });
      await queue.cancel("strange");
      expect((await queue.listJobs()).jobs).toMatchObject([{ name: "note" }]);
    });

    test("counts among the other names, under no name of its own", async () => {
      const { clock, store, queue } = openQueue(kind);
      const stored = store.open("default");
      await stored.enqueue([{ id: "strange", isFreshId: false, runAt: clock(), record: "9:{}" }], clock());
      expect(await queue.getFigures({ pending: true })).toMatchObject({ names: [], other: { pending: { count: 1 } } });
    });

    test("is refused by all that would show or change its schedule, and stays", async () => {
      const { store, queue } = openQueue(kind);
      const stored = store.open("default");
      await stored.changeSchedules({
        put: [{ key: "strange", record: "9:{}", next: 2_000_000_000_000, from: undefined }],
      });
      await expect(queue.schedules.get("strange")).rejects.toMatchObject(newer);
      await expect(queue.schedules.list()).rejects.toMatchObject(newer);
      const overwrite = queue.schedules.upsert("strange", { job: note, cron: "0 0 9 * * *" });
      await expect(overwrite).rejects.toMatchObject(newer);
      expect((await stored.listSchedules("strange"))[0]).toMatchObject({ record: "9:{}" });
      await queue.schedules.remove("strange");
      expect(await queue.schedules.list()).toEqual([]);
    });
  });
});
