import { describe, expect, test } from "vitest";
import { Exchanges } from "../../../src/core/drain/in-flight.ts";
import type { ExchangeReply, QueueStore } from "../../../src/core/store/store.ts";
import { clockByHand, start } from "../../support/clock.ts";

/** Exchanges whose answers come when the test gives them. */
function setUp() {
  const answers: ((reply: Partial<ExchangeReply> | Error) => void)[] = [];
  const exchange = () =>
    new Promise((resolve, reject) => {
      answers.push((reply) => (reply instanceof Error ? reject(reply) : resolve(reply)));
    });
  const store = { exchange } as unknown as QueueStore;
  const outlook = { paused: false, nextAt: start };
  const clock = clockByHand(start);
  const exchanges = new Exchanges(store, clock, outlook, () => {});
  const send = (limit: number, countLeft = true) =>
    exchanges.send(
      { now: start, settle: [], fire: [], claim: { limit, countLeft, leaseMs: 1 }, retentionMs: 0 },
      () => {},
    );
  const answer = async (index: number, reply: Partial<ExchangeReply> | Error) => {
    answers[index]?.(reply);
    await new Promise(setImmediate);
  };
  return { clock, exchanges, send, answer };
}

describe("beside an exchange that is under way, another may find more", () => {
  test("where the last answer told of more than that one takes", async () => {
    const { exchanges, send, answer } = setUp();
    send(10);
    expect(exchanges.mayFindMore).toBe(false);
    await answer(0, { left: 11 });
    send(10);
    expect(exchanges.mayFindMore).toBe(true);
    send(1);
    expect(exchanges.mayFindMore).toBe(false);
  });

  test("where the answer that just came tells of more than the others take", async () => {
    const { exchanges, send, answer } = setUp();
    send(10);
    send(10);
    await answer(0, { left: 10 });
    expect(exchanges.mayFindMore).toBe(false);
  });
});

test("what was left is known until it is counted anew, or nothing is due", async () => {
  const { exchanges, send, answer } = setUp();
  send(10);
  await answer(0, { left: 50, nextAt: start });
  send(10, false);
  await answer(1, { left: 0, nextAt: start });
  expect(exchanges.left).toBe(40);
  send(10, false);
  await answer(2, { left: 0, nextAt: start + 1 });
  expect(exchanges.left).toBe(0);
});

test("answers take as long as the longest of late", async () => {
  const { clock, exchanges, send, answer } = setUp();
  send(10);
  clock.now += 80;
  await answer(0, { left: 0 });
  expect(exchanges.answerMs).toBe(80);
  clock.now = start;
  send(10);
  await answer(1, { left: 0 });
  expect(exchanges.answerMs).toBe(70);
});

describe("how many are under way at once", () => {
  test("is one at first, two more with each answer, and 16 at most", async () => {
    const { exchanges, send, answer } = setUp();
    const sendAll = () => {
      while (exchanges.mayBegin) send(1);
      return exchanges.underWay;
    };
    expect(sendAll()).toBe(1);
    await answer(0, { left: 100 });
    expect(sendAll()).toBe(3);
    await answer(1, { left: 100 });
    expect(sendAll()).toBe(5);
    for (let index = 2; index < 20; index++) await answer(index, { left: 100 }).then(sendAll);
    expect(exchanges.underWay).toBe(16);
  });

  test("and those of one moment are leased to moments of their own", () => {
    const { exchanges, send } = setUp();
    const apart = new Set<number>();
    for (let index = 0; index < 16; index++) {
      apart.add(exchanges.leaseApartMs);
      send(1);
    }
    expect(apart.size).toBe(16);
    expect([...apart].every((ms) => ms % 2 === 0)).toBe(true);
  });
});

describe("what comes next", () => {
  test("is what the exchange told that was sent last, in whatever order the answers come", async () => {
    const { exchanges, send, answer } = setUp();
    send(10);
    send(10);
    await answer(1, { nextAt: start + 2_000, paused: true, left: 0 });
    await answer(0, { nextAt: start + 1_000, paused: false, left: 0 });
    expect(exchanges).toMatchObject({ dueAt: start + 2_000, paused: true });
  });

  test("is the earliest of what was put in line, until the next exchange looks", async () => {
    const { exchanges, send, answer } = setUp();
    send(10);
    await answer(0, { nextAt: undefined, left: 0 });
    exchanges.expect(start + 1_000);
    exchanges.expect(start + 5_000);
    expect(exchanges.dueAt).toBe(start + 1_000);
    send(10);
    expect(exchanges.dueAt).toBe(Number.POSITIVE_INFINITY);
  });
});

test("after a failure nothing more is begun, and one that gets through leaves no error", async () => {
  const { exchanges, send, answer } = setUp();
  const away = new Error("away");
  send(10);
  await answer(0, away);
  expect(exchanges).toMatchObject({ hasFailed: true, error: away, underWay: 0, claiming: 0 });
  send(0);
  await answer(1, { left: 0 });
  expect(exchanges).toMatchObject({ hasFailed: true, error: undefined });
});
