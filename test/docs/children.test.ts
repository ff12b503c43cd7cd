import { expect, test, vi } from "vitest";
import * as guide from "../../examples/guide/children.ts";
import { memoryStore, Queue } from "../../src/index.ts";

test("a report runs once all rows are imported, and the page's calls show how far they are", async () => {
  const queue = new Queue({ store: memoryStore(), jobs: [guide.importRow, guide.report] });
  const id = await guide.importRows(queue, [{ email: "ada@example.com" }, { email: "bob@example.com" }]);
  expect(await guide.progressOf(queue, id)).toBe(2);
  expect(guide.reports).toEqual([]);
  while ((await queue.drain()).claimed > 0);
  expect(guide.customers.sort()).toEqual(["ada@example.com", "bob@example.com"]);
  expect(guide.reports).toEqual(["May: 2 of 2 rows imported, 0 failed"]);
  expect(await guide.resultsOf(queue, id)).toEqual([{ imported: "ada@example.com" }, { imported: "bob@example.com" }]);
});

test("more than a thousand rows are imported in parts", async () => {
  const queue = new Queue({ store: memoryStore(), jobs: [guide.importPart, guide.importRow, guide.report] });
  guide.reports.splice(0);
  await guide.importMany(
    queue,
    Array.from({ length: 1_200 }, (_, n) => ({ email: `${n}@example.com` })),
  );
  while ((await queue.drain({ maxJobs: 1_000 })).claimed > 0);
  expect(guide.reports).toEqual(["May: 2 of 2 rows imported, 0 failed"]);
  expect((await queue.getStats()).totalProcessed).toBe(1_203);
});

test("a handler that reads a file enqueues its report with a child for each row", async () => {
  const queue = new Queue({ store: memoryStore(), jobs: [guide.importMonth, guide.importRow, guide.report] });
  vi.stubGlobal("fetch", async () => Response.json([{ email: "cleo@example.com" }]));
  guide.reports.splice(0);
  const { id } = await queue.enqueue(guide.importMonth, { url: "https://example.com/june.json", month: "June" });
  while ((await queue.drain()).claimed > 0);
  vi.unstubAllGlobals();
  expect(guide.reports).toEqual(["June: 1 of 1 rows imported, 0 failed"]);
  const report = (await queue.getJob(guide.importMonth, id))?.result ?? "";
  expect(await guide.resultsOf(queue, report)).toEqual([{ imported: "cleo@example.com" }]);
});
