import { type Clock, Queue, type Store } from "../../src/index.ts";

/** Stores a waiting job and a schedule under an id that is now refused, as another program may have. */
export async function storeRefusedId(store: Store, id: string, clock: Clock = Date.now): Promise<void> {
  const queue = new Queue({ store, clock });
  const inside = store.open(queue.name);
  await queue.schedules.upsert("model", { job: "report", cron: "0 9 * * *" });
  const [schedule] = await inside.listSchedules("model");
  if (!schedule) throw new Error("The schedule is not there.");
  await inside.changeSchedules({ put: [{ key: id, record: schedule.record, next: schedule.next }] });
  await queue.schedules.remove("model");
  const record = `1:${JSON.stringify({ name: "report", payload: null, enqueuedAt: clock() })}`;
  await inside.enqueue([{ id, isFreshId: false, runAt: clock() + 3_600_000, record }], clock());
}
