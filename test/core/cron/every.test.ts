import { expect, test } from "vitest";
import { parseCron } from "../../../src/core/cron/cron.ts";
import { intervalText, readInterval } from "../../../src/core/cron/every.ts";
import { encode } from "../../../src/core/job/codec.ts";
import { firesOf } from "../../../src/core/schedule/fire.ts";
import { start } from "../../support/clock.ts";

const minute = 60_000;

test("an interval is stored as a text that no cron expression is", () => {
  const text = intervalText("90s");
  expect(text).toBe("@every 90s");
  expect(() => parseCron(text)).toThrow("there is no such alias");
  expect(readInterval(text)?.interval).toBe("90s");
  expect(readInterval("@daily")).toBe(undefined);
});

test("an interval ends with the times that can be stored", () => {
  const { next } = readInterval(intervalText("30000d")) ?? parseCron("@daily");
  expect(next(start)).toBe(30_000 * 24 * 60 * minute);
  expect(next(30_000 * 24 * 60 * minute)).toBe(undefined);
});

test("a schedule that is at another time goes back to the multiples of its interval", () => {
  const rule = { name: "beat", cron: intervalText("90s"), timeZone: "UTC", missed: "once", overlap: "allow" };
  const occurrence = start + minute + 17;
  const [fire] = firesOf([{ key: "beat", occurrence, revision: 0, record: encode(rule) }], occurrence);
  expect(fire).toMatchObject({ next: start + 90_000, jobs: [{ runAt: occurrence }] });
});
