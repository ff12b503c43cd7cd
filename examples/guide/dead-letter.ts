import { type AnyJob, Queue, type Store } from "tidegate";

export function noticing(store: Store, jobs: readonly AnyJob[], notify: (text: string) => void): Queue {
  // #region hook
  const queue = new Queue({
    store,
    jobs,
    hooks: {
      onDead: ({ name, id, error }) => notify(`${name} ${id} is dead: ${String(error)}`),
    },
  });
  // #endregion
  return queue;
}

export async function list(queue: Queue): Promise<string[]> {
  const lines: string[] = [];
  // #region list
  let cursor: string | undefined;
  do {
    const page = await queue.listDeadLetter({ limit: 100, ...(cursor && { cursor }) }); // newest first
    for (const { id, name, error, attempts, failedAt } of page.jobs) {
      lines.push(`${failedAt.toISOString()} ${name} ${id}: ${error.message} (attempt ${attempts})`);
    }
    cursor = page.cursor ?? undefined;
  } while (cursor);
  // #endregion
  return lines;
}

export async function whatBroke(queue: Queue): Promise<string[]> {
  const lines: string[] = [];
  // #region failures
  const { failures } = await queue.getFailures(); // the largest group first
  for (const { name, error, count, firstAt, lastAt } of failures) {
    lines.push(`${count} x ${name}: ${error.message}, from ${firstAt.toISOString()} to ${lastAt.toISOString()}`);
  }
  // #endregion
  return lines;
}

export async function retryGroup(queue: Queue, group: string) {
  // #region group
  const newest = await queue.listDeadLetter({ group, limit: 10 });
  const before = new Date();
  const { retried } = await queue.retryFromDeadLetter({ group, before }, { dryRun: true }); // only counts
  await queue.retryFromDeadLetter({ group, before }); // exactly the jobs counted above, even if more have died since
  // #endregion
  return { newest, retried };
}

export async function whoIsAffected(queue: Queue, group: string) {
  // #region affected
  const failure = await queue.getFailure(group); // null if none is dead any more
  const [first] = failure?.affected ?? []; // { field: "tenant", values: [{ value: "acme", count: 71 }, ...], of: 100 }
  // #endregion
  return first;
}

export async function retryOne(queue: Queue, id: string) {
  // #region retry
  await queue.retryFromDeadLetter(id); // due now, and with all its retries
  // #endregion
}

export async function retryCorrected(queue: Queue, id: string) {
  // #region payload
  await queue.retryFromDeadLetter(id, { payload: { to: "ada@example.com" } }); // checked against the schema
  // #endregion
}

export async function retryMany(queue: Queue) {
  // #region many
  const { retried } = await queue.retryFromDeadLetter({ name: "send_email" }, { dryRun: true }); // only counts
  await queue.retryFromDeadLetter({ name: "send_email" });
  await queue.retryFromDeadLetter({ all: true }, { over: "10m" }); // spread evenly over ten minutes
  // #endregion
  return retried;
}

export async function remove(queue: Queue, ids: readonly string[]) {
  // #region remove
  await queue.removeFromDeadLetter({ ids });
  await queue.removeFromDeadLetter({ all: true });
  // #endregion
}
