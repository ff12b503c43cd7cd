import { expect, test } from "vitest";
import { Prefetch } from "../../../src/core/drain/prefetch.ts";
import { ownSlots } from "../../../src/core/drain/slots.ts";

/** A prefetch of ten slots, each of which has run this many jobs of this many ms. */
function setUp(jobsPerSlot: number, ms: number, isFree = false) {
  const prefetch = new Prefetch(ownSlots(10), 1, 0, isFree);
  let now = 0;
  for (let round = 0; round < jobsPerSlot; round++) {
    for (let slot = 0; slot < 10; slot++) prefetch.slotTaken(now, 1);
    now += ms;
    for (let slot = 0; slot < 10; slot++) prefetch.slotFreed(now, 1);
  }
  return { prefetch, now };
}

function takeAll(prefetch: Prefetch, now: number) {
  for (let slot = 0; slot < 10; slot++) prefetch.slotTaken(now, 1);
}

test("until a job has ended, only jobs for the free slots are claimed", () => {
  const prefetch = new Prefetch(ownSlots(10), 1, 0);
  expect(prefetch.missing(0, 40, 0)).toBe(10);
  prefetch.slotTaken(0, 1);
  expect(prefetch.missing(0, 40, 5_000)).toBe(9);
  expect(prefetch.missing(9, 40, 5_000)).toBe(0);
});

test("as many jobs are claimed in addition as start in a second", () => {
  const { prefetch, now } = setUp(1, 100);
  // 100 a second: one for each of the 10 slots, or what ends until a reply comes, twice over.
  expect(prefetch.missing(0, 40, now)).toBe(10 + 100);
  expect(prefetch.missing(0, 90, now)).toBe(18 + 100);
  expect(prefetch.missing(18, 90, now)).toBe(0);
  expect(prefetch.isEnough(17, 90, now)).toBe(false);
  expect(prefetch.isEnough(18, 90, now)).toBe(true);
});

test("where requests cost nothing, a job that takes fifty replies is claimed once a slot is free for it", () => {
  const { prefetch, now } = setUp(1, 100, true);
  expect([prefetch.missing(0, 2, now), prefetch.missing(0, 3, now)]).toEqual([10, 10 + 100]);
  takeAll(prefetch, now);
  expect(prefetch.missing(0, 2, now)).toBe(0);
  expect(prefetch.isEnough(0, 2, now)).toBe(true);
});

test("at most what starts in a quarter of a second is kept ready, however long answers take", () => {
  const { prefetch, now } = setUp(1, 100);
  takeAll(prefetch, now);
  expect(prefetch.isEnough(25, 10_000, now)).toBe(true);
  expect(prefetch.isEnough(24, 10_000, now)).toBe(false);
});

test("running jobs slow the pace before they end", () => {
  const { prefetch, now } = setUp(1, 10);
  takeAll(prefetch, now);
  expect(prefetch.missing(0, 0, now)).toBe(10 + 1_000);
  expect(prefetch.missing(0, 0, now + 990)).toBe(2 + 10);
  expect(prefetch.missing(0, 0, now + 60_000)).toBe(0);
});

test("the pace is that of jobs that ended, not of slots that could have run them", () => {
  const prefetch = new Prefetch(ownSlots(10), 1, 0);
  // Ten jobs end at once, and for 99 ms nothing arrives.
  takeAll(prefetch, 0);
  for (let slot = 0; slot < 10; slot++) prefetch.slotFreed(1, 1);
  expect(prefetch.missing(0, 100, 100)).toBe(20 + 100);
});

test("the pace follows the latest jobs, about four per slot", () => {
  const { prefetch, now } = setUp(100, 10);
  let later = now;
  for (let round = 0; round < 8; round++) {
    takeAll(prefetch, later);
    later += 1_000;
    for (let slot = 0; slot < 10; slot++) prefetch.slotFreed(later, 1);
  }
  takeAll(prefetch, later);
  // Ten a second by now.
  expect(prefetch.missing(0, 0, later)).toBeLessThan(15);
});

test("once forgotten, the pace is unknown until the next job ends", () => {
  const { prefetch, now } = setUp(1, 100);
  takeAll(prefetch, now);
  prefetch.forget();
  expect(prefetch.missing(0, 40, now + 1)).toBe(0);
  prefetch.slotFreed(now + 2_000, 1);
  expect(prefetch.missing(0, 40, now + 2_000)).toBe(1);
});

test("if a slot takes several jobs, the first claim fills all free slots", () => {
  const prefetch = new Prefetch(ownSlots(10), 100, 0);
  expect(prefetch.missing(0, 40, 0)).toBe(1_000);
  prefetch.slotTaken(0, 100);
  expect(prefetch.missing(0, 40, 0)).toBe(900);
});

test("once only single jobs have started, each free slot counts as one job, whatever handlers are defined", () => {
  const prefetch = new Prefetch(ownSlots(10), 100, 0);
  for (let slot = 0; slot < 4; slot++) prefetch.slotTaken(0, 1);
  expect(prefetch.missing(0, 40, 0)).toBe(6);
  prefetch.slotTaken(0, 100);
  expect(prefetch.missing(0, 40, 0)).toBeGreaterThan(60);
});
