import { expect, test } from "vitest";
import type { Attempt } from "../../../src/core/attempt/attempt.ts";
import { PrefetchBuffer } from "../../../src/core/drain/prefetch-buffer.ts";

const lease = { current: {} };
const attempt = (mayBePoison: boolean, waitsSince = 0, job: { name?: string; batchSize?: number } = {}) =>
  ({ waitsSince, job: { name: "note", batchSize: 1, mayBePoison, lease, ...job } }) as unknown as Attempt;
const never = () => false;
const [harmless, poison, other] = [attempt(false), attempt(true), attempt(true)];

test("quarantined jobs start last, and alone", () => {
  const buffer = new PrefetchBuffer();
  buffer.add([poison, harmless], never);
  expect(buffer.next(true)).toEqual([harmless]);
  expect(buffer.next(false)).toEqual([]);
  expect(buffer.next(true)).toEqual([poison]);
  expect(buffer.length).toBe(0);
});

test("all quarantined jobs but the first are released once nothing else waits", () => {
  const buffer = new PrefetchBuffer();
  buffer.add([poison, other, harmless], never);
  expect(buffer.takeSurplus()).toEqual([]);
  buffer.next(true);
  expect(buffer.next(true)).toEqual([]);
  expect(buffer.takeSurplus()).toEqual([other]);
  expect(buffer.next(true)).toEqual([poison]);
});

test("nothing is claimed beside a quarantined job, and then one job at a time until a harmless one comes", () => {
  const buffer = new PrefetchBuffer();
  expect(buffer.mostClaims(false)).toBe(Number.POSITIVE_INFINITY);
  buffer.add([poison], never);
  expect(buffer.mostClaims(true)).toBe(0);
  buffer.next(true);
  expect(buffer.mostClaims(false)).toBe(0);
  expect(buffer.mostClaims(true)).toBe(1);
  buffer.add([harmless], never);
  expect(buffer.mostClaims(false)).toBe(Number.POSITIVE_INFINITY);
});

test("a job has waited too long after two seconds, quarantined or not", () => {
  const buffer = new PrefetchBuffer();
  expect(buffer.overdueAt).toBe(Number.POSITIVE_INFINITY);
  buffer.add([attempt(false, 500)], never);
  expect(buffer.overdueAt).toBe(2_500);
  buffer.add([attempt(true, 100)], never);
  expect(buffer.overdueAt).toBe(2_100);
});

test("a quarantined job that is released is not claimed again while others run", () => {
  const buffer = new PrefetchBuffer();
  buffer.add([harmless, poison], never);
  expect(buffer.takeAll()).toEqual([harmless, poison]);
  expect(buffer.mostClaims(false)).toBe(0);
});

test("jobs of one call leave together, in order, and the others keep their order", () => {
  const row = (batchSize = 3) => attempt(false, 0, { name: "row", batchSize });
  const rows = [row(), row(), row(), row()];
  const alone = row(1);
  const buffer = new PrefetchBuffer();
  buffer.add([harmless, ...rows.slice(0, 2), alone, ...rows.slice(2)], never);
  expect(buffer.next(false)).toEqual([harmless]);
  expect(buffer.next(false)).toEqual(rows.slice(0, 3));
  expect(buffer.next(false)).toEqual([alone]);
  expect(buffer.next(false)).toEqual(rows.slice(3));
  expect(buffer.length).toBe(0);
});
