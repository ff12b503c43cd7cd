import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { alarm, sleep, systemClock } from "../../../src/core/shared/clock.ts";

const day = 86_400_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

// A platform's timer of 2^31 ms or more fires at once.
describe("with the platform's timers", () => {
  test("sleep lasts as long as it should, even for months", async () => {
    const awake = vi.fn();
    void sleep(systemClock, 60 * day).then(awake);
    await vi.advanceTimersByTimeAsync(60 * day - 1);
    expect(awake).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(awake).toHaveBeenCalledOnce();
  });

  test("sleep ends at once when it is aborted, even months later", async () => {
    const controller = new AbortController();
    const awake = vi.fn();
    void sleep(systemClock, 60 * day, controller.signal).then(awake);
    await vi.advanceTimersByTimeAsync(40 * day);
    controller.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(awake).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("an alarm goes off on time, and can be cancelled until then", async () => {
    const rung = vi.fn();
    const off = vi.fn();
    alarm(systemClock, 60 * day, rung);
    const callOff = alarm(systemClock, 60 * day, off);
    await vi.advanceTimersByTimeAsync(40 * day);
    callOff();
    await vi.advanceTimersByTimeAsync(20 * day - 1);
    expect(rung).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(rung).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(day);
    expect(off).not.toHaveBeenCalled();
  });
});
