import { expect, test } from "vitest";
import { allPages } from "../support/all-pages.ts";
import { start } from "../support/clock.ts";
import { fails, sendEmail } from "../support/jobs.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { openQueue } from "./open-queue.ts";

onEachKindOfStore((kind) => {
  test("a list since a time has what happened after it or is to come, of each state, page by page, and what was retried", async () => {
    const { queue, clock } = openQueue(kind, { jobs: [sendEmail, fails], logger: null });
    for (let hour = 0; hour < 4; hour++) {
      await queue.enqueue(fails, undefined, { id: `dead-${hour}` });
      await queue.enqueue(sendEmail, { to: "ada" }, { id: `sent-${hour}` });
      await queue.enqueue(sendEmail, { to: "ada" }, { id: `later-${hour}`, delay: "7d" });
      await queue.drain();
      await clock.advance("1h");
    }
    const ids = async (options: Parameters<typeof queue.listJobs>[0]) => {
      const { jobs, cursor } = await queue.listJobs(options);
      return { ids: jobs.map(({ id }) => id), cursor };
    };
    const all = ["later-0", "later-1", "later-2", "later-3", "sent-3", "sent-2", "dead-3", "dead-2"];
    expect(await ids({ state: "completed", since: "2h" })).toEqual({ ids: ["sent-3", "sent-2"], cursor: null });
    expect(await ids({ since: new Date(start + 2 * 3_600_000) })).toEqual({ ids: all, cursor: null });
    expect((await queue.listDeadLetter({ since: "2h" })).jobs).toMatchObject([{ id: "dead-3" }, { id: "dead-2" }]);
    const pages = await allPages((cursor) => ids({ since: "2h", limit: 1, cursor }));
    expect(pages.flatMap((page) => page.ids)).toEqual(all);
    await queue.enqueue(sendEmail, { to: "ada" }, { id: "backlog", runAt: new Date(start) });
    await queue.retryFromDeadLetter("dead-0");
    expect(await ids({ state: "ready", since: "2h", limit: 1 })).toMatchObject({ ids: ["dead-0"] });
    await expect(queue.listJobs({ since: new Date(start + 9 * 3_600_000) })).rejects.toMatchObject({
      code: "invalid_request",
      message: "since must be a time that has passed, or how long ago.",
    });
  });
});
