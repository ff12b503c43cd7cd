import { describe, expect, test } from "vitest";
import { codec, luaReader } from "../../scripts/generate/schema.ts";
import * as scripts from "../../src/stores/redis/scripts.generated.ts";
import { columnsOf, textsOf } from "../../src/stores/redis/values.ts";

const header = `
-- Moves jobs.
-- @arg now number, may_run flag  running ones too
-- @arg only ready|dead?, last_id text?
-- @arg jobs rows(id score:digits claims:number?), gone list(text)
`;

describe("the header of a script", () => {
  test("becomes the Lua that reads the arguments", () => {
    expect(luaReader(header).split("\n")).toEqual([
      "local now = tonumber(ARGV[1])",
      "local may_run = ARGV[2] == '1'",
      "local only = ARGV[3]",
      "local last_id = ARGV[4]",
      "local jobs = {} for i = 5 + 1, 5 + 3 * ARGV[5], 3 do jobs[#jobs + 1] = { id = ARGV[i], score = ARGV[i + 1], claims = tonumber(ARGV[i + 2]) } end local arguments_read = 5 + 3 * ARGV[5]",
      "local gone = {} for i = arguments_read + 1, #ARGV, 1 do gone[#gone + 1] = ARGV[i] end",
      "",
    ]);
  });

  test("becomes the Lua that reads columns, in which equal values in a row come once, after their number", () => {
    expect(luaReader("-- @arg jobs columns(id score:digits*), more number")).toBe(
      "local jobs = {} local arguments_read = 1 do local count, list = tonumber(ARGV[arguments_read]) " +
        "list = {} for i = 1, count do list[i] = ARGV[arguments_read + i] end " +
        "arguments_read = arguments_read + count jobs.id = list " +
        "list = {} while #list < count do local value = ARGV[arguments_read + 2] " +
        "for i = #list + 1, #list + ARGV[arguments_read + 1] do list[i] = value end " +
        "arguments_read = arguments_read + 2 end jobs.score = list end\n" +
        "local more = tonumber(ARGV[arguments_read + 1])\n",
    );
    const rows = [
      { id: "a", score: "1" },
      { id: "b", score: "1" },
      { id: "c", score: "2" },
    ];
    const columns = [["id", false] as const, ["score", true] as const];
    expect(columnsOf(rows, columns)).toEqual(["a", "b", "c", 2, "1", 1, "2"]);
    expect(columnsOf([], columns)).toEqual([]);
  });

  test("becomes functions that write the arguments and read the reply", () => {
    const put = { key: "hourly", record: "{}", score: 5 };
    const written = scripts.changeSchedules.write({ from: "", put: [put, { ...put, read: 4 }], gone: ["daily"] });
    expect(textsOf(written)).toEqual([
      "",
      "",
      "2",
      ...["hourly", "{}", "5", ""],
      ...["hourly", "{}", "5", "4"],
      "daily",
    ]);
    expect(textsOf(scripts.cancel.write({ now: 1, mayRun: true, all: ["a", "b"] }))).toEqual(["1", "1", "a", "b"]);
    expect(scripts.clear.read([3, 1, "", "a"])).toEqual({
      ...{ cleared: 3, more: true, lastScore: undefined, lastMember: "a" },
    });
    const row = { key: "hourly", record: "{}", score: 5 };
    expect(scripts.listSchedules.read(["hourly", "{}", "5"])).toEqual([row]);
    expect(
      scripts.exchange.read([0, [], "", 0, 0, [1, "2"], [], [], [], [], ["a"], ["hourly", 5, "{}"]]),
    ).toMatchObject({
      ...{ settled: [1, 2], gone: ["a"], dueSchedules: [row] },
    });
  });

  test("is checked by the compiler", () => {
    // @ts-expect-error
    scripts.cancel.write({ now: "1", mayRun: true, all: [] });
    // @ts-expect-error
    scripts.cancel.write({ now: 1, mayRun: true, all: [], ids: [] });
    // @ts-expect-error
    scripts.rewrite.write({ where: "scheduled", rewrites: [] });
  });

  test("is refused if it has a type that is not known, or no reply", () => {
    expect(() => luaReader("-- @arg now nubmer")).toThrow("no known type: now nubmer");
    expect(() => codec("-- @arg now number")).toThrow("does not say what it replies");
  });
});
