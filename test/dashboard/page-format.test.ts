import { describe, expect, test } from "vitest";
import { shareOf } from "../../src/core/manage/job-text.ts";
import { html, type Tag, visible } from "../../src/http/dashboard/page/dom/html.ts";
import {
  Allowance,
  isLasting,
  waitAfterFailure,
  waitAfterRefresh,
} from "../../src/http/dashboard/page/state/poll-interval.ts";
import { readRoute, routeQuery } from "../../src/http/dashboard/page/state/route.ts";
import { describeCron } from "../../src/http/dashboard/page/views/describe-cron.ts";
import { distance, span } from "../../src/http/dashboard/page/views/format.ts";

test.each([
  ["* * * * * *", "Every second"],
  ["*/15 * * * * *", "Every 15 seconds"],
  ["0 * * * * *", "Every minute"],
  ["* * * * *", "Every minute"],
  ["*/5 * * * *", "Every 5 minutes"],
  ["0 */5 * * * *", "Every 5 minutes"],
  ["0 * * * *", "Every hour"],
  ["30 * * * *", "Every hour at :30"],
  ["0 */6 * * *", "Every 6 hours"],
  ["0 0 9 * * *", "Every day at 09:00"],
  ["5 9,17 * * *", "Every day at 09:05 and 17:05"],
  ["0 9 * * MON-FRI", "Every Monday to Friday at 09:00"],
  ["0 9 ? * 1-5", "Every Monday to Friday at 09:00"],
  ["0 9 * * 0,3,6", "Every Sunday, Wednesday and Saturday at 09:00"],
  ["0 9 * * 7", "Every Sunday at 09:00"],
  ["0 9 * DEC *", "Every day in December at 09:00"],
  ["0 9 * JAN,JUL MON", "Every Monday in January and July at 09:00"],
  ["*/5 * * * MON", "Every 5 minutes, every Monday"],
  ["0 9 1 * *", "Every month on day 1 at 09:00"],
  ["0 9 1,15 * *", "Every month on day 1 and 15 at 09:00"],
  ["0 6 L * *", "On the last day of every month at 06:00"],
  ["0 6 L FEB *", "On the last day of February at 06:00"],
  ["0 9 1 1 *", "Every year on 1 January at 09:00"],
  ["30 23 24,31 DEC *", "Every year on 24 and 31 December at 23:30"],
  ["0 9 29 * *", undefined],
  ["@yearly", "Every year on 1 January at 00:00"],
  ["@daily", "Every day at 00:00"],
  ["0 9 1 * MON", undefined],
  ["0 9 1 13 *", undefined],
  ["0 9-17 * * *", undefined],
  ["15 30 9 * * *", undefined],
  ["0 9 * * 5L", undefined],
  ["0 9 * * 5#2", undefined],
  ["H 9 * * *", undefined],
])("cron %s is %s", (expression, words) => {
  expect(describeCron(expression)).toBe(words);
});

test.each([
  [0, "now"],
  [-999, "now"],
  [-1_000, "1 s ago"],
  [4_999, "in 4 s"],
  [-119_000, "119 s ago"],
  [-120_000, "2 min ago"],
  [2.5 * 3_600_000, "in 2.5 h"],
  [-50 * 86_400_000, "50 d ago"],
])("%i ms from now is %s", (ms, words) => {
  expect(distance(ms)).toBe(words);
});

test("a duration is shown in a unit that fits", () => {
  expect([0, 250, 1_000, 2_500, 90_000, 300_000].map(span)).toEqual([
    "0 ms",
    "250 ms",
    "1 s",
    "2.5 s",
    "90 s",
    "5 min",
  ]);
});

test.each([
  [0.25, 0.25],
  [1, 1],
  [42, 0.42],
  [-1, -1],
  [{ percent: 130 }, 1.3],
  [{ done: 3, of: 4 }, 0.75],
  [{ done: 3, total: 4 }, 0.75],
  [{ done: 3, of: 0 }, undefined],
  ["half", undefined],
  [null, undefined],
])("the progress %j is the share %s", (progress, share) => {
  expect(shareOf(progress)).toBe(share);
});

test.each([
  ["line 1\n\tline 2 \ud83d\udc4b\u200d", "line 1\n\tline 2 \ud83d\udc4b\u200d"],
  ["exe.\u202efdp\u2069", "exe.\\u202efdp\\u2069"],
  ["a\0\u001b[31m\u0085\u200b\ud800", "a\\u0000\\u001b[31m\\u0085\\u200b\\ud800"],
  ['{"a":"\u202e"}', '{"a":"\\u202e"}'],
])("%j is shown as %j", (text, shown) => {
  expect(visible(text)).toBe(shown);
});

describe("the waits between polls", () => {
  test("grow while nothing changes, up to two and a half minutes", () => {
    expect([0, 1, 2, 3, 4, 5, 6, 9].map((quiet) => waitAfterRefresh(quiet, 0))).toEqual([
      3_000, 6_000, 12_000, 24_000, 48_000, 96_000, 150_000, 150_000,
    ]);
  });

  test("keep within an allowance of 1,500 commands in any hour, which a user's own clicks do not lower", () => {
    for (const cost of [12, 60, 240]) {
      const allowance = new Allowance(0);
      let spent = 0;
      for (let now = 0; now < 3_600_000; now += Math.max(3_000, Math.ceil(allowance.waitFor(cost, now)))) {
        allowance.spend(cost, now, false);
        spent += cost;
      }
      expect(spent).toBeLessThanOrEqual(1_500);
      expect(spent).toBeGreaterThan(1_200);
    }
    const clicked = new Allowance(0);
    for (let click = 0; click < 100; click++) clicked.spend(12, 0, true);
    expect(clicked.waitFor(12, 0)).toBeCloseTo(36_000);
  });

  test("end when something falls due, and are never shorter than 3 s", () => {
    expect(waitAfterRefresh(9, 15_000)).toBe(15_500);
    expect(waitAfterRefresh(9, 100)).toBe(3_000);
    expect(waitAfterRefresh(0, 15_000)).toBe(3_000);
  });

  test("grow with each failure, up to a minute", () => {
    const waits = [0, 1, 2, 5, 50].map((before) => waitAfterFailure(before, null, 0));
    expect(waits).toEqual([2_000, 4_000, 8_000, 60_000, 60_000]);
  });

  test.each([
    ["90", 90_000],
    ["1", 2_000],
    ["-5", 2_000],
    ["86400", 3_600_000],
    ["Sun, 01 Mar 2026 12:00:45 GMT", 45_000],
    ["Sun, 01 Mar 2026 11:00:00 GMT", 2_000],
    ["soon", 2_000],
    ["", 2_000],
  ])("last as long as the header Retry-After: %s asks for, up to an hour", (retryAfter, ms) => {
    expect(waitAfterFailure(0, retryAfter, Date.parse("2026-03-01T12:00:00Z"))).toBe(ms);
  });

  test("follow every status but those that refuse the request itself", () => {
    expect([0, 408, 429, 500, 503].filter(isLasting)).toEqual([]);
    expect([400, 401, 403, 404, 413].filter((status) => !isLasting(status))).toEqual([]);
  });
});

test("a route survives its address unchanged", () => {
  const route = { view: "jobs", queue: "bulk & more", state: "dead", search: 'a#b?"<', cursor: "dead:1" } as const;
  expect(readRoute(`#${routeQuery(route)}`)).toEqual(route);
  expect(readRoute("")).toEqual({ view: "overview" });
  expect(readRoute("", true)).toEqual({ view: "queues", scope: "all" });
  expect(readRoute("#%E0%A4%A&other=1")).toEqual({ view: "overview" });
});

describe("a template", () => {
  test("puts values in as texts and attributes, whatever they contain", () => {
    const evil = `<img src=x onerror="alert('1')">&`;
    const [tag] = html`<p title="a ${evil}" class="${evil}">${evil}${[evil]}</p>`;
    expect(tag).toEqual({
      name: "p",
      attributes: new Map([
        ["title", `a ${evil}`],
        ["class", evil],
      ]),
      children: [evil + evil],
    });
  });

  test("leaves out what is false or missing, and keeps zero", () => {
    expect(html`<b>${0}</b>${null}${undefined}${false}${""}`).toEqual([
      { name: "b", attributes: new Map(), children: ["0"] },
    ]);
    const attributes = (value: unknown) => [...(html`<input checked="${value as string}"/>`[0] as Tag).attributes];
    expect([false, null, undefined].flatMap(attributes)).toEqual([]);
    expect([true, 0].flatMap(attributes)).toEqual([
      ["checked", ""],
      ["checked", "0"],
    ]);
  });

  test("nests, and refuses a value where none can stand and an element that is not closed", () => {
    const item = (text: string) => html`<li>${text}</li>`;
    expect(html`<ol>${["a", "b"].map(item)}<br/></ol>c`).toEqual([
      {
        name: "ol",
        attributes: new Map(),
        children: [...item("a"), ...item("b"), { name: "br", attributes: new Map(), children: [] }],
      },
      "c",
    ]);
    expect(() => html`<p ${"title"}>a</p>`).toThrow("A template lacks a closing tag, or quotes.");
    expect(() => html`<p>a<br></p>`).toThrow("A template lacks a closing tag, or quotes.");
  });
});
