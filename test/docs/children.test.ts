import { expect, test } from "vitest";
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
