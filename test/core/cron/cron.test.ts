import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCron } from "../../../src/core/cron/cron.ts";
import { LATEST_TIME_MS } from "../../../src/core/shared/duration.ts";
import { isTidegateError } from "../../../src/core/shared/errors.ts";

function slots(expression: string, timeZone: string, after: string, count = 3): string[] {
  const cron = parseCron(expression, timeZone);
  const found: string[] = [];
  for (let at = cron.next(Date.parse(after)); at !== undefined && found.length < count; at = cron.next(at)) {
    found.push(new Date(at).toISOString().slice(0, 19));
  }
  return found;
}

function refusal(expression: unknown, timeZone?: unknown): Error & { code?: string } {
  try {
    parseCron(expression, timeZone);
  } catch (error) {
    return error as Error;
  }
  throw new Error("it was accepted");
}

describe("an expression", () => {
  test.each([
    ["30 9 * * *", ["2026-01-01T09:30:00", "2026-01-02T09:30:00"]],
    ["15 30 9 * * *", ["2026-01-01T09:30:15", "2026-01-02T09:30:15"]],
    ["*/20 * * * * *", ["2026-01-01T00:00:20", "2026-01-01T00:00:40"]],
    ["50/5 * * * * *", ["2026-01-01T00:00:50", "2026-01-01T00:00:55"]],
    ["5,7 0 * * *", ["2026-01-01T00:05:00", "2026-01-01T00:07:00"]],
    ["0 22-23 * * *", ["2026-01-01T22:00:00", "2026-01-01T23:00:00"]],
    ["0 0 ? FEB,dec mon-WED", ["2026-02-02T00:00:00", "2026-02-03T00:00:00"]],
    ["0 0 * * 7", ["2026-01-04T00:00:00", "2026-01-11T00:00:00"]],
    ["0 0 * * 6-7", ["2026-01-03T00:00:00", "2026-01-04T00:00:00"]],
    ["0 0 * * THU", ["2026-01-08T00:00:00", "2026-01-15T00:00:00"]],
    ["0 0 L * *", ["2026-01-31T00:00:00", "2026-02-28T00:00:00"]],
    ["0 0 15,L 2 *", ["2026-02-15T00:00:00", "2026-02-28T00:00:00"]],
    ["0 0 * * 5L", ["2026-01-30T00:00:00", "2026-02-27T00:00:00"]],
    ["0 0 * * 7L", ["2026-01-25T00:00:00", "2026-02-22T00:00:00"]],
    ["0 0 * * FRI#2", ["2026-01-09T00:00:00", "2026-02-13T00:00:00"]],
    ["0 0 29 2 ?", ["2028-02-29T00:00:00", "2032-02-29T00:00:00"]],
    ["@hourly", ["2026-01-01T01:00:00", "2026-01-01T02:00:00"]],
    [" @weekdays ", ["2026-01-02T00:00:00", "2026-01-05T00:00:00"]],
  ])("%s fires at the expected times", (expression, expected) => {
    expect(slots(expression, "UTC", "2026-01-01T00:00:00Z", 2)).toEqual(expected);
  });

  test("that restricts both day fields fires on a day that matches either", () => {
    expect(slots("0 0 13 * FRI", "UTC", "2026-01-08T00:00:00Z")).toEqual([
      "2026-01-09T00:00:00",
      "2026-01-13T00:00:00",
      "2026-01-16T00:00:00",
    ]);
  });

  test("is in UTC when no zone is given, and is parsed once for each zone", () => {
    const cron = parseCron("0 9 * * *");
    expect(cron.next(0)).toBe(9 * 3_600_000);
    expect(parseCron("0 9 * * *", "UTC")).toBe(cron);
    expect(parseCron("0 9 * * *", "Asia/Tokyo").next(0)).toBe(24 * 3_600_000);
  });

  test("gives the first occurrence strictly after the instant, to the millisecond", () => {
    const { next } = parseCron("* * * * * *");
    expect([next(999), next(1_000), next(1_001)]).toEqual([1_000, 2_000, 2_000]);
  });

  test("has no occurrence before 1970, nor one that cannot be stored", () => {
    const { next } = parseCron("* * * * * *");
    expect(next(-1e15)).toBe(0);
    expect(next(LATEST_TIME_MS)).toBeUndefined();
    expect(parseCron("0 0 29 2 *", "Pacific/Apia").next(LATEST_TIME_MS - 1e10)).toBeUndefined();
  });
});

describe("H", () => {
  const first = (expression: string, seed: string) => parseCron(expression, "UTC", seed).next(0);

  test("is the same value for the same seed", () => {
    expect(first("H H * * *", "nightly")).toBe(first("H H * * *", "nightly"));
  });

  test("is a value that different seeds spread over the field, or the range", () => {
    const seeds = Array.from({ length: 400 }, (_, index) => `tenant-${index}`);
    const minutes = (expression: string) => new Set(seeds.map((seed) => Number(first(expression, seed)) / 60_000));
    expect(minutes("H * * * *").size).toBe(60);
    expect([...minutes("H(10-14) * * * *")].sort()).toEqual([10, 11, 12, 13, 14]);
  });

  test("as a day of the month is one that every month has", () => {
    for (let index = 0; index < 300; index++) {
      expect(parseCron("0 0 9 H 2 *", "UTC", `tenant-${index}`).next(0)).toBeTypeOf("number");
      expect(new Date(Number(first("0 0 9 H * *", `tenant-${index}`))).getUTCDate()).toBeLessThanOrEqual(28);
    }
  });

  test("with a step keeps the step", () => {
    const [one = "", two = ""] = slots("H/15 * * * *", "UTC", "2026-01-01T00:00:00Z", 2);
    expect(Date.parse(`${two}Z`) - Date.parse(`${one}Z`)).toBe(900_000);
  });
});

describe("a local time that a gap skips is read with the offset before it", () => {
  test.each([
    ["Europe/Paris", "0 30 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:30:00", "2026-03-30T00:30:00"]],
    ["America/New_York", "0 30 2 * * *", "2026-03-07T12:00:00Z", ["2026-03-08T07:30:00", "2026-03-09T06:30:00"]],
    ["America/Nuuk", "0 30 23 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:30:00", "2026-03-30T00:30:00"]],
    ["Australia/Lord_Howe", "0 0 2 * * *", "2026-10-03T00:00:00Z", ["2026-10-03T15:30:00", "2026-10-04T15:00:00"]],
    ["Pacific/Chatham", "0 0 3 * * *", "2026-09-26T00:00:00Z", ["2026-09-26T14:15:00", "2026-09-27T13:15:00"]],
    ["America/Havana", "@daily", "2026-03-07T12:00:00Z", ["2026-03-08T05:00:00", "2026-03-09T04:00:00"]],
    ["America/Santiago", "@daily", "2026-09-05T12:00:00Z", ["2026-09-06T04:00:00", "2026-09-07T03:00:00"]],
    ["Africa/Cairo", "30 0 * * *", "2026-04-23T12:00:00Z", ["2026-04-23T22:30:00", "2026-04-24T21:30:00"]],
    ["Asia/Beirut", "@daily", "2026-03-28T12:00:00Z", ["2026-03-28T22:00:00", "2026-03-29T21:00:00"]],
    ["Africa/Monrovia", "30 0 * * *", "1972-01-06T12:00:00Z", ["1972-01-07T01:14:30", "1972-01-08T00:30:00"]],
  ])("in %s: %s", (timeZone, expression, after, expected) => {
    expect(slots(expression, timeZone, after, 2)).toEqual(expected);
  });

  test("and fires once if it coincides with another local time", () => {
    expect(slots("0 0,30 2,3 * * *", "Europe/Paris", "2026-03-28T12:00:00Z")).toEqual([
      "2026-03-29T01:00:00",
      "2026-03-29T01:30:00",
      "2026-03-30T00:00:00",
    ]);
  });

  test("and comes after a later local time if its instant does", () => {
    expect(slots("0 25,40 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z")).toEqual([
      "2026-10-03T15:40:00",
      "2026-10-03T15:55:00",
      "2026-10-04T15:25:00",
    ]);
  });

  test("and coincides with the next day in Apia, which skipped 30 December 2011", () => {
    expect(slots("0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z")).toEqual([
      "2011-12-29T19:00:00",
      "2011-12-30T19:00:00",
      "2011-12-31T19:00:00",
    ]);
  });

  test("and fires on the next day if its weekday or date was skipped", () => {
    expect(slots("0 9 * * FRI", "Pacific/Apia", "2011-12-29T12:00:00Z", 2)).toEqual([
      "2011-12-30T19:00:00",
      "2012-01-05T19:00:00",
    ]);
    expect(slots("0 9 30 12 *", "Pacific/Apia", "2011-12-29T12:00:00Z", 1)).toEqual(["2011-12-30T19:00:00"]);
  });
});

describe("a local time that exists twice fires at the first", () => {
  test.each([
    ["Europe/Paris", "0 30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]],
    ["America/New_York", "0 30 1 * * *", "2026-10-31T12:00:00Z", ["2026-11-01T05:30:00", "2026-11-02T06:30:00"]],
    ["America/Nuuk", "0 30 23 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]],
    ["Australia/Lord_Howe", "0 45 1 * * *", "2026-04-04T00:00:00Z", ["2026-04-04T14:45:00", "2026-04-05T15:15:00"]],
    ["Pacific/Chatham", "0 0 3 * * *", "2026-04-04T00:00:00Z", ["2026-04-04T13:15:00", "2026-04-05T14:15:00"]],
    ["America/Havana", "@daily", "2026-10-31T12:00:00Z", ["2026-11-01T04:00:00", "2026-11-02T05:00:00"]],
    ["America/Santiago", "30 23 * * *", "2026-04-04T12:00:00Z", ["2026-04-05T02:30:00", "2026-04-06T03:30:00"]],
    ["America/St_Johns", "45 23 * * *", "2010-11-06T12:00:00Z", ["2010-11-07T02:15:00", "2010-11-08T03:15:00"]],
    ["America/St_Johns", "@daily", "2010-11-06T12:00:00Z", ["2010-11-07T02:30:00", "2010-11-08T03:30:00"]],
    ["Africa/Cairo", "30 23 * * *", "2026-10-29T12:00:00Z", ["2026-10-29T20:30:00", "2026-10-30T21:30:00"]],
    ["Asia/Beirut", "30 23 * * *", "2026-10-24T12:00:00Z", ["2026-10-24T20:30:00", "2026-10-25T21:30:00"]],
  ])("in %s: %s", (timeZone, expression, after, expected) => {
    expect(slots(expression, timeZone, after, 2)).toEqual(expected);
  });

  test("even if the next occurrence is asked for between the two passes", () => {
    expect(slots("30 2 * * *", "Europe/Paris", "2026-10-25T01:00:00Z", 1)).toEqual(["2026-10-26T01:30:00"]);
  });
});

describe("an hour field that matches every hour follows real time", () => {
  test.each(["0 * * * *", "0 0 0-23 * * *", "0 0 */1 * * *", "@hourly"])("%s", (expression) => {
    const repeated = ["2026-10-25T00:00:00", "2026-10-25T01:00:00", "2026-10-25T02:00:00"];
    expect(slots(expression, "Europe/Paris", "2026-10-24T23:30:00Z")).toEqual(repeated);
    const skipped = ["2026-03-29T00:00:00", "2026-03-29T01:00:00", "2026-03-29T02:00:00"];
    expect(slots(expression, "Europe/Paris", "2026-03-28T23:30:00Z")).toEqual(skipped);
  });

  test("so it fires on the minute shown, in both passes of a repeated half hour and not in a gap", () => {
    expect(slots("45 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z")).toEqual([
      "2026-04-04T14:45:00",
      "2026-04-04T15:15:00",
      "2026-04-04T16:15:00",
    ]);
    expect(slots("15 * * * *", "Australia/Lord_Howe", "2026-10-03T14:00:00Z")).toEqual([
      "2026-10-03T14:45:00",
      "2026-10-03T16:15:00",
      "2026-10-03T17:15:00",
    ]);
  });

  test("so it fires on the day shown, even if that day repeats around midnight", () => {
    expect(slots("0 * * * SUN", "America/St_Johns", "2010-11-07T02:00:00Z")).toEqual([
      "2010-11-07T02:30:00",
      "2010-11-07T03:30:00",
      "2010-11-07T04:30:00",
    ]);
    expect(slots("30 * 24 10 *", "Asia/Beirut", "2026-10-24T19:00:00Z")).toEqual([
      "2026-10-24T19:30:00",
      "2026-10-24T20:30:00",
      "2026-10-24T21:30:00",
    ]);
  });
});

describe("parseCron refuses", () => {
  const fieldCount = /expected 5 fields \(.*\), 6 with seconds first, or an alias/;
  test.each([
    [undefined, /^cron must be a string such as "0 0 9 \* \* \*", of at most 256 characters/],
    [7, /^cron must be a string/],
    ["* ".repeat(200), /^cron must be a string/],
    ["", fieldCount],
    ["   ", fieldCount],
    ["* * * *", fieldCount],
    ["* * * * * * *", fieldCount],
    ["@midnight", /there is no such alias; expected one of @yearly, .*@weekends/],
    ["0 0 25 * * *", /^cron "0 0 25 \* \* \*": the hour field "25" is not readable; expected 0-23, as \*, a value/],
    ["60 * * * * *", /the second field "60" .* 0-59/],
    ["*/0 * * * *", /the minute field "\*\/0" .* 0-59/],
    ["1,1 * * * *", /the minute field "1,1" .* no value twice/],
    ["0 22-2 * * *", /the hour field "22-2" .* a range that goes up/],
    ["0 0 32 * *", /the day of month field "32" .* 1-31, or L/],
    ["0 0 1W * *", /the day of month field "1W" is not readable; .* L alone for the last \(no L-3, no 1W\)/],
    ["0 0 LW * *", /the day of month field "LW" .* no 1W/],
    ["0 0 L-3 * *", /the day of month field "L-3" .*no L-3/],
    ["0 0 * * L", /the day of week field "L" .* 5L for the last Friday .*no L alone/],
    ["0 0 * * 1W", /the day of week field "1W" .* no W/],
    ["0 0 * 13 *", /the month field "13" .* 1-12 or JAN-DEC/],
    ["0 0 * MON *", /the month field "MON"/],
    ["0 0 * * 8", /the day of week field "8" .* 0-7 or SUN-SAT/],
    ["0 0 * * SAT-SUN", /the day of week field "SAT-SUN" .*SAT-SUN is 6-7/],
    ["0 0 * * MON#6", /the day of week field "MON#6"/],
    ["H(50-70) 25 * * *", /the hour field "25"/],
    ["0 0 H(40-50) * *", /the day of month field "H\(40-50\)"/],
    ["0 0 * * HTHU", /the day of week field "HTHU"/],
    ["0 0 30 2 *", /^cron "0 0 30 2 \*": no year has such a day, so it never fires/],
    ["0 0 31 4,6,9,11 ?", /never fires/],
    ["0 0 * * 1#1.5", /the day of week field "1#1.5"/],
  ])("the expression %j", (expression, message) => {
    expect(refusal(expression)).toMatchObject({ code: "invalid_request", message: expect.stringMatching(message) });
  });

  test.each([null, 5, "", "Mars/Olympus", "+02:00", "UTC+2", "BST", " UTC", "Europe/Paris\n", "x".repeat(70)])(
    "the zone %j",
    (zone) => {
      const message =
        typeof zone === "string"
          ? /^timeZone ".*" is not an IANA time zone name; expected one/
          : /^timeZone must be a string/;
      expect(refusal("@daily", zone)).toMatchObject({
        code: "invalid_request",
        message: expect.stringMatching(message),
      });
    },
  );

  test("any other input, with a short message", () => {
    const piece = fc.constantFrom(..."0159*?,-/#LHW@ ", "MON", "@daily", "\u0000", "\ud800", "7L", "\t");
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(piece, { maxLength: 300 }).map((pieces) => pieces.join("")),
    );
    fc.assert(
      fc.property(text, fc.oneof(fc.constant("UTC"), text), (expression, zone) => {
        try {
          expect(parseCron(expression, zone).next(0)).toBeTypeOf("number");
        } catch (error) {
          expect(isTidegateError(error)).toBe(true);
          expect((error as Error).message.length).toBeLessThan(500);
        }
      }),
    );
  });
});

test.each(["UTC", "utc", "GMT", "GB", "Etc/GMT+5", "EST5EDT", "America/Argentina/ComodRivadavia"])(
  "parseCron accepts the zone %s",
  (zone) => {
    expect(parseCron("@daily", zone).next(0)).toBeTypeOf("number");
  },
);
