import { defineJob, type Queue } from "tidegate";

export interface Row {
  readonly email: string;
}

export const customers: string[] = [];
export const reports: string[] = [];

// #region define
export const importRow = defineJob({
  name: "import_row",
  perform({ email }: Row) {
    customers.push(email);
    return { imported: email };
  },
});

export const report = defineJob({
  name: "report",
  perform({ month }: { month: string }, job) {
    const { total, completed, dead } = job.children ?? { total: 0, completed: 0, dead: 0 };
    reports.push(`${month}: ${completed} of ${total} rows imported, ${dead} failed`);
  },
});
// #endregion

// #region in-perform
export const importMonth = defineJob({
  name: "import_month",
  async perform({ url, month }: { url: string; month: string }, job) {
    const rows: readonly Row[] = await (await fetch(url, { signal: job.signal })).json();
    return job.enqueue(report, { month }, { children: rows.map((payload) => ({ job: importRow, payload })) });
  },
});
// #endregion

export async function importRows(queue: Queue, rows: readonly Row[]) {
  // #region enqueue
  const { id } = await queue.enqueue(
    report,
    { month: "May" },
    { children: rows.map((payload) => ({ job: importRow, payload })) },
  );
  // #endregion
  return id;
}

// #region many
export const importPart = defineJob({ name: "import_part", perform() {} }); // runs when its rows have finished

export async function importMany(queue: Queue, rows: readonly Row[]) {
  const parts = Array.from({ length: Math.ceil(rows.length / 1_000) }, (_, part) => ({
    job: importPart,
    children: rows.slice(part * 1_000, (part + 1) * 1_000).map((payload) => ({ job: importRow, payload })),
  }));
  return queue.enqueue(report, { month: "May" }, { children: parts });
}
// #endregion

export async function progressOf(queue: Queue, id: string) {
  // #region progress
  const job = await queue.getJob(id);
  const left = job?.children?.pending; // of job.children.total
  // #endregion
  return left;
}

export async function resultsOf(queue: Queue, id: string) {
  const results: unknown[] = [];
  // #region results
  let cursor: string | undefined;
  do {
    const page = await queue.listChildren(id, { ...(cursor && { cursor }) }); // in the order in which they were given
    for (const { state, result, error } of page.jobs) results.push(state === "completed" ? result : error?.message);
    cursor = page.cursor ?? undefined;
  } while (cursor);
  // #endregion
  return results;
}
