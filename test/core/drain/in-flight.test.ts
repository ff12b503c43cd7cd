import { describe, expect, test } from "vitest";
import { InFlight } from "../../../src/core/drain/in-flight.ts";
import type { ExchangeReply } from "../../../src/core/store/store.ts";
import { clockByHand, start } from "../../support/clock.ts";

/** Exchanges whose replies arrive when the test sends them. */
function setUp() {
  const answers: ((reply: Partial<ExchangeReply> | Error) => void)[] = [];
  const exchange = () =>
    new Promise<ExchangeReply>((resolve, reject) => {
      answers.push((reply) => (reply instanceof Error ? reject(reply) : resolve(reply as ExchangeReply)));
    });
  const nextDue = { paused: false, nextAt: start };
  const clock = clockByHand(start);
  const inFlight = new InFlight(exchange, clock, nextDue, () => {});
  const send = (limit: number, countBacklog = true) =>
    inFlight.send(
      {
        now: start,
        settle: [],
        fire: [],
        claim: { limit, countBacklog, leaseMs: 1 },
        reads: true,
        isLastTry: false,
      },
      () => {},
    );
  const answer = async (index: number, reply: Partial<ExchangeReply> | Error) => {
    answers[index]?.(reply);
    await new Promise(setImmediate);
  };
  return { clock, inFlight, send, answer };
}

describe("while an exchange is in flight, another one may find more", () => {
  test("if the last reply counted more jobs than that one takes", async () => {
    const { inFlight, send, answer } = setUp();
    send(10);
    expect(inFlight.mayFindMore).toBe(false);
    await answer(0, { backlog: 11 });
    send(10);
    expect(inFlight.mayFindMore).toBe(true);
    send(1);
    expect(inFlight.mayFindMore).toBe(false);
  });

  test("only if the latest reply counted more jobs than the others take", async () => {
    const { inFlight, send, answer } = setUp();
    send(10);
    send(10);
    await answer(0, { backlog: 10 });
    expect(inFlight.mayFindMore).toBe(false);
  });
});

test("the count stays known until the next count, or until nothing is due", async () => {
  const { inFlight, send, answer } = setUp();
  send(10);
  await answer(0, { backlog: 50, nextAt: start });
  send(10, false);
  await answer(1, { backlog: 0, nextAt: start });
  expect(inFlight.backlog).toBe(40);
  send(10, false);
  await answer(2, { backlog: 0, nextAt: start + 1 });
  expect(inFlight.backlog).toBe(0);
});

describe("the expected reply time", () => {
  test("is that of the latest exchange that waited for no other", async () => {
    const { clock, inFlight, send, answer } = setUp();
    for (const [index, ms] of [80, 20, 50].entries()) {
      clock.now = start;
      send(10);
      clock.now += ms;
      await answer(index, { backlog: 0 });
      expect(inFlight.replyMs).toBe(ms);
    }
  });

  test("does not grow because one exchange waits for another, but falls if its reply comes sooner", async () => {
    const { clock, inFlight, send, answer } = setUp();
    send(10);
    send(10);
    send(10);
    clock.now += 20;
    await answer(0, { backlog: 0 });
    clock.now += 20;
    await answer(1, { backlog: 0 });
    expect(inFlight.replyMs).toBe(20);
    clock.now = start + 10;
    await answer(2, { backlog: 0 });
    expect(inFlight.replyMs).toBe(10);
  });
});

describe("exchanges in flight", () => {
  test("are one at first, two more with each reply, and 16 at most", async () => {
    const { inFlight, send, answer } = setUp();
    const sendAll = () => {
      while (inFlight.hasRoom) send(1);
      return inFlight.count;
    };
    expect(sendAll()).toBe(1);
    await answer(0, { backlog: 100 });
    expect(sendAll()).toBe(3);
    await answer(1, { backlog: 100 });
    expect(sendAll()).toBe(5);
    for (let index = 2; index < 20; index++) await answer(index, { backlog: 100 }).then(sendAll);
    expect(inFlight.count).toBe(16);
  });

  test("that claim in one millisecond get leases with different ends", () => {
    const { inFlight, send } = setUp();
    const apart = new Set<number>();
    for (let index = 0; index < 16; index++) {
      apart.add(inFlight.leaseApartMs);
      send(1);
    }
    expect(apart.size).toBe(16);
    expect([...apart].every((ms) => ms % 2 === 0)).toBe(true);
  });
});

describe("the next due time", () => {
  test("is the one reported by the exchange that was sent last, in whatever order the replies come", async () => {
    const { inFlight, send, answer } = setUp();
    send(10);
    send(10);
    await answer(1, { nextAt: start + 2_000, paused: true, backlog: 0 });
    await answer(0, { nextAt: start + 1_000, paused: false, backlog: 0 });
    expect(inFlight).toMatchObject({ nextAt: start + 2_000, paused: true });
  });

  test("is that of the earliest job enqueued in this process, until the next exchange is sent", async () => {
    const { inFlight, send, answer } = setUp();
    send(10);
    await answer(0, { nextAt: undefined, backlog: 0 });
    inFlight.noteEnqueued(start + 1_000);
    inFlight.noteEnqueued(start + 5_000);
    expect(inFlight.nextAt).toBe(start + 1_000);
    send(10);
    expect(inFlight.nextAt).toBe(Number.POSITIVE_INFINITY);
  });
});

test("after a failure nothing more is started, and an exchange that succeeds clears the error", async () => {
  const { inFlight, send, answer } = setUp();
  const away = new Error("away");
  send(10);
  await answer(0, away);
  expect(inFlight).toMatchObject({ hasFailed: true, error: away, count: 0, claiming: 0 });
  send(0);
  await answer(1, { backlog: 0 });
  expect(inFlight).toMatchObject({ hasFailed: true, error: undefined });
});
