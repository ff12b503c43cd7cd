import { expect, test } from "vitest";
import { timeOrderedIds } from "../../../src/core/shared/id.ts";

test("ids are UUIDv7, and sort in the order in which they are made, also within a millisecond", () => {
  let now = Date.UTC(2030, 0);
  const newId = timeOrderedIds(() => now);
  const ids = Array.from({ length: 20_000 }, newId);
  now++;
  ids.push(newId());
  expect(
    ids.filter((id) => !/^0[0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toEqual([]);
  expect(ids.join()).toBe([...new Set(ids)].sort().join());
  expect(Number.parseInt(ids[0]?.replace("-", "").slice(0, 12) ?? "", 16)).toBe(Date.UTC(2030, 0));
});
