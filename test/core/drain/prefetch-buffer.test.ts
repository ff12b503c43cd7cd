import { expect, test } from "vitest";
import type { Attempt } from "../../../src/core/attempt/attempt.ts";
import { Lineup } from "../../../src/core/drain/prefetch-buffer.ts";

const attempt = (isSuspect: boolean, takenAt = 0) => ({ takenAt, claim: { isSuspect } }) as unknown as Attempt;
const [harmless, suspect, other] = [attempt(false), attempt(true), attempt(true)];

test("suspects start after all others, and alone", () => {
  const lineup = new Lineup();
  lineup.add([suspect, harmless]);
  expect(lineup.next(true)).toBe(harmless);
  expect(lineup.next(false)).toBeUndefined();
  expect(lineup.next(true)).toBe(suspect);
  expect(lineup.length).toBe(0);
});

test("of several suspects all but the first are handed back, once nothing else waits", () => {
  const lineup = new Lineup();
  lineup.add([suspect, other, harmless]);
  expect(lineup.surplus()).toEqual([]);
  lineup.next(true);
  expect(lineup.next(true)).toBeUndefined();
  expect(lineup.surplus()).toEqual([other]);
  expect(lineup.next(true)).toBe(suspect);
});

test("nothing is claimed beside a suspect, and one job after it, until a harmless one comes", () => {
  const lineup = new Lineup();
  expect(lineup.mostClaimed(false)).toBe(Number.POSITIVE_INFINITY);
  lineup.add([suspect]);
  expect(lineup.mostClaimed(true)).toBe(0);
  lineup.next(true);
  expect(lineup.mostClaimed(false)).toBe(0);
  expect(lineup.mostClaimed(true)).toBe(1);
  lineup.add([harmless]);
  expect(lineup.mostClaimed(false)).toBe(Number.POSITIVE_INFINITY);
});

test("the first has waited too long after two seconds, be it a suspect or not", () => {
  const lineup = new Lineup();
  expect(lineup.overdueAt).toBe(Number.POSITIVE_INFINITY);
  lineup.add([attempt(false, 500)]);
  expect(lineup.overdueAt).toBe(2_500);
  lineup.add([attempt(true, 100)]);
  expect(lineup.overdueAt).toBe(2_100);
});

test("a suspect that is handed back is not claimed again while others run", () => {
  const lineup = new Lineup();
  lineup.add([harmless, suspect]);
  expect(lineup.clear()).toEqual([harmless, suspect]);
  expect(lineup.mostClaimed(false)).toBe(0);
});
