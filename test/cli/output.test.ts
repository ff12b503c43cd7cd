import pc from "picocolors";
import { describe, expect, test, vi } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import type { Io, Output } from "../../src/cli/io.ts";
import { bar, LiveLine } from "../../src/cli/output/live-line.ts";
import { cut, table, wrap } from "../../src/cli/output/table.ts";
import { printable, printableLines } from "../../src/cli/output/text.ts";
import { brief, fromNow, shortly, span } from "../../src/cli/output/time.ts";
import * as shapes from "../../src/http/contract/shapes.generated.ts";

const colors = pc.createColors(false);

test("queue:jobs show has every field of a job", () => {
  const shown = commands.getJob[0].shows.split(" ").map((each) => each.replace(/^.*=/, "").replace(/\..*/, ""));
  // Within the attempts and the errors, or for programs.
  const others = ["maxRetries", "error", "leaseEndsAt"];
  const fields = Object.keys(shapes.job.json["properties"] as object);
  expect(fields.filter((field) => ![...shown, ...others].includes(field))).toEqual([]);
});

describe("a table", () => {
  const columns = [
    { title: "NAME", cell: ([name]: readonly string[]) => name ?? "" },
    { title: "COUNT", cell: ([, count]: readonly string[]) => count ?? "", align: "right" as const },
    { title: "TEXT", cell: ([, , text]: readonly string[]) => text ?? "" },
  ];

  test("aligns its columns by the display width of characters", () => {
    const rows = [
      ["ab", "7", "x"],
      ["日本", "1,204", "y"],
    ];
    expect(table(columns, rows, { colors })).toBe("NAME  COUNT  TEXT\nab        7  x\n日本  1,204  y");
  });

  test("cuts its last column at the width of the terminal, but not to nothing", () => {
    const rows = [["name", "1", "a text that is too long"]];
    expect(table(columns, rows, { colors, width: 27 }).split("\n")[1]).toBe("name      1  a text that i…");
    expect(table(columns, rows, { colors, width: 3 }).split("\n")[1]).toBe("name      1  a text …");
  });

  test("leaves out what is optional before it cuts a name", () => {
    const optional = columns.map((column) => ({ ...column, givesWay: 8, isOptional: column.title === "COUNT" }));
    const rows = [["a name that is long", "1", "text"]];
    expect(table(optional, rows, { colors, width: 29 })).toBe(
      `NAME${" ".repeat(17)}TEXT\na name that is long  text\nA wider terminal also shows:\nCOUNT.`,
    );
  });

  test("keeps what is optional beside a very long name, which it cuts to 32 characters at most for it", () => {
    const optional = columns.map((column) => ({ ...column, givesWay: 8, isOptional: column.title === "COUNT" }));
    const rows = [["n".repeat(60), "1", "text"]];
    const shown = (width: number) => table(optional, rows, { colors, width }).split("\n")[1];
    expect(shown(45)).toBe(`${"n".repeat(31)}…      1  text`);
    expect(shown(44)).toBe(`${"n".repeat(37)}…  text`);
  });

  test("cuts the widest column that may shrink, if it does not fit", () => {
    const yielding = columns.map((column) => ({ ...column, givesWay: column.title === "NAME" ? 8 : undefined }));
    const rows = [["n".repeat(30), "1", "a text that is too long"]];
    expect(table(yielding, rows, { colors, width: 47 }).split("\n")[1]).toBe(
      `${"n".repeat(18)}…      1  a text that is too…`,
    );
    const least = table(yielding, rows, { colors, width: 10 }).split("\n")[1];
    expect(least).toBe(`${"n".repeat(7)}…      1  a text …`);
    expect(table(yielding, rows, { colors, width: 62 }).split("\n")[1]).toBe(
      `${"n".repeat(30)}      1  a text that is too long`,
    );
    expect(table(yielding, rows, { colors }).split("\n")[1]).toContain("n".repeat(30));
  });

  test("cuts others before a name, of which 16 characters are left as long as there is room", () => {
    const named = columns.map((column) => ({ ...column, givesWay: column.title === "NAME" ? 16 : undefined }));
    const rows = [["n".repeat(30), "1", "a text that is too long"]];
    expect(table(named, rows, { colors, width: 34 }).split("\n")[1]).toBe(`${"n".repeat(15)}…      1  a text t…`);
    expect(table(named, rows, { colors, width: 10 }).split("\n")[1]).toBe(`${"n".repeat(7)}…      1  a text …`);
  });

  test("puts text below a row, wrapped between words to two lines", () => {
    const [, , below] = columns;
    const rows = [["a", "1", "one two three four five"]];
    const lines = table(columns.slice(0, 2), rows, { colors, width: 22, below }).split("\n");
    expect(lines.slice(1)).toEqual(["a         1", "          one two", "          three four …"]);
  });

  test("wraps words that are too long, and wide characters, without losing any", () => {
    expect(wrap("", 5, 9)).toEqual([]);
    expect(wrap("abcdefghijk lm", 5, 9)).toEqual(["abcde", "fghij", "k lm"]);
    expect(wrap("日本語 日本", 5, 9)).toEqual(["日本", "語", "日本"]);
    expect(wrap("one two three", 7, 1)).toEqual(["one tw…"]);
  });

  test("never cuts through a character", () => {
    expect(cut("日本語", 5)).toBe("日本…");
    expect(cut("日本語", 6)).toBe("日本語");
    expect(cut("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 5)).toBe("👨‍👩‍👧👨‍👩‍👧…");
  });

  test("may have more rows than a function can have arguments", () => {
    const rows = Array.from({ length: 200_000 }, () => ["a", "1", "b"]);
    expect(table(columns, rows, { colors }).length).toBeGreaterThan(200_000);
  });

  test("reads no more of a long text than it shows", () => {
    const segments = vi.spyOn(Intl.Segmenter.prototype, "segment");
    const text = "é ".repeat(500);
    expect(cut(text, 10)).toBe("é é é é é…");
    // The whole text is scanned twice at most, however long it is, and then letter by letter as far as it is shown.
    const scanned = segments.mock.calls.reduce((sum, [each]) => sum + each.length, 0);
    expect(scanned).toBeLessThanOrEqual(2 * text.length + 20);
  });
});

test("foreign text stays on its line, and cannot move the cursor", () => {
  expect(printable("a\r\n b\u001b[2J\u0007\u202ec")).toBe("a b\ufffd[2J\ufffd\ufffdc");
  expect(printableLines("a\nb\tc")).toBe("a\nb\ufffdc");
});

test("times are formatted as people say them", () => {
  expect([0, 499, 1_000, 61_000, 3_569_000, 3_599_900, 604_799_000].map(span)).toEqual([
    "0 seconds",
    "0 seconds",
    "1 second",
    "1 minute",
    "59 minutes",
    "1 hour",
    "7 days",
  ]);
  const durations = [999, 2_300, 60_000, 4_560_000, 9_000_000, 90_000_000, 10_800_000].map(brief);
  expect(durations).toEqual(["999ms", "2.3s", "60s", "76m", "2.5h", "25h", "3h"]);
  expect([0, 119_500, 121_500, 475_000].map((ms) => shortly(new Date(ms), 120_000))).toEqual([
    "2m ago",
    "now",
    "in 1s",
    "in 5m",
  ]);
  expect([1_000, 119_000, 121_500, 120_000].map((ms) => fromNow(new Date(ms), 120_000))).toEqual([
    "2 minutes ago",
    "1 second ago",
    "in 2 seconds",
    "now",
  ]);
});

describe("a live line", () => {
  const lineOn = (stderr: Output, { logs }: Pick<Io, "logs"> = {}) =>
    new LiveLine({ io: { stderr, env: {}, ...(logs && { logs }) }, isJson: false });

  test("is overwritten, then erased", () => {
    const written: string[] = [];
    const line = lineOn({ isTTY: true, columns: 10, write: (text) => written.push(text) });
    line.show("one");
    line.show("one");
    line.show("longer than ten");
    line.clear();
    line.clear();
    expect(written).toEqual(["\r\u001b[Kone", "\r\u001b[Klonger t…", "\r\u001b[K"]);
  });

  test("moves below lines that are logged meanwhile", () => {
    const written: string[] = [];
    const logs = { around: (write: () => void) => write() };
    const line = lineOn({ isTTY: true, columns: 0, write: (text) => written.push(text) }, { logs });
    line.show("one");
    logs.around(() => written.push("a log\n"));
    line.clear();
    logs.around(() => written.push("another\n"));
    expect(written).toEqual(["\r\u001b[Kone", "\r\u001b[K", "a log\n", "\r\u001b[Kone", "\r\u001b[K", "another\n"]);
  });

  test("is not written without a terminal", () => {
    const written: string[] = [];
    const line = lineOn({ write: (text) => written.push(text) });
    line.show("one");
    line.clear();
    expect(written).toEqual([]);
  });

  test("a progress bar is full when all is done, even if there was nothing to do", () => {
    expect(bar("Doing", 1, 3)).toBe(`Doing ${"█".repeat(10)}${"░".repeat(20)} 1 of 3`);
    expect(bar("Doing", 5, 3)).toBe(`Doing ${"█".repeat(30)} 5 of 3`);
    expect(bar("Doing", 0, 0)).toBe(`Doing ${"█".repeat(30)} 0 of 0`);
  });
});
