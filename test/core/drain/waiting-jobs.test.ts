import { expect, test } from "vitest";
import type { Attempt } from "../../../src/core/attempt/attempt.ts";
import { WaitingJobs } from "../../../src/core/drain/waiting-jobs.ts";

const lease = { current: {} };
const attempt = (mayBePoison: boolean, waitsSince = 0, job: { name?: string; batchSize?: number } = {}) =>
  ({ waitsSince, job: { name: "note", batchSize: 1, mayBePoison, lease, ...job } }) as unknown as Attempt;
const never = () => false;
const [harmless, poison, other] = [attempt(false), attempt(true), attempt(true)];

test("quarantined jobs start last, and alone", () => {
  const waiting = new WaitingJobs();
  waiting.add([poison, harmless], never);
  expect(waiting.next(true)).toEqual([harmless]);
  expect(waiting.next(false)).toEqual([]);
  expect(waiting.next(true)).toEqual([poison]);
  expect(waiting.length).toBe(0);
});

test("all quarantined jobs but the first are released once nothing else waits", () => {
  const waiting = new WaitingJobs();
  waiting.add([poison, other, harmless], never);
  expect(waiting.takeSurplus()).toEqual([]);
  waiting.next(true);
  expect(waiting.next(true)).toEqual([]);
  expect(waiting.takeSurplus()).toEqual([other]);
  expect(waiting.next(true)).toEqual([poison]);
});

test("nothing is claimed beside a quarantined job, and then one job at a time until a harmless one comes", () => {
  const waiting = new WaitingJobs();
  expect(waiting.mostClaims(false)).toBe(Number.POSITIVE_INFINITY);
  waiting.add([poison], never);
  expect(waiting.mostClaims(true)).toBe(0);
  waiting.next(true);
  expect(waiting.mostClaims(false)).toBe(0);
  expect(waiting.mostClaims(true)).toBe(1);
  waiting.add([harmless], never);
  expect(waiting.mostClaims(false)).toBe(Number.POSITIVE_INFINITY);
});

test("a job has waited too long after two seconds, quarantined or not", () => {
  const waiting = new WaitingJobs();
  expect(waiting.overdueAt).toBe(Number.POSITIVE_INFINITY);
  waiting.add([attempt(false, 500)], never);
  expect(waiting.overdueAt).toBe(2_500);
  waiting.add([attempt(true, 100)], never);
  expect(waiting.overdueAt).toBe(2_100);
});

test("a quarantined job that is released is not claimed again while others run", () => {
  const waiting = new WaitingJobs();
  waiting.add([harmless, poison], never);
  expect(waiting.takeAll()).toEqual([harmless, poison]);
  expect(waiting.mostClaims(false)).toBe(0);
});

test("jobs of one call leave together, in order, and the others keep their order", () => {
  const row = (batchSize = 3) => attempt(false, 0, { name: "row", batchSize });
  const rows = [row(), row(), row(), row()];
  const alone = row(1);
  const waiting = new WaitingJobs();
  waiting.add([harmless, ...rows.slice(0, 2), alone, ...rows.slice(2)], never);
  expect(waiting.next(false)).toEqual([harmless]);
  expect(waiting.next(false)).toEqual(rows.slice(0, 3));
  expect(waiting.next(false)).toEqual([alone]);
  expect(waiting.next(false)).toEqual(rows.slice(3));
  expect(waiting.length).toBe(0);
});
