import { describe, expect, test } from "vitest";
import { codec, luaReader } from "../../scripts/generate/schema.ts";

const header = `
-- Moves jobs.
-- @arg now number, may_run flag  running ones too
-- @arg only ready|dead?, last_id text?
-- @arg jobs rows(id score:digits claims:number?), gone list(text)
-- @reply more flag, moved rows(id status:moved|missing at:number?)  what became of each
`;

describe("the header of a script", () => {
  test("becomes the Lua that reads the arguments", () => {
    expect(luaReader(header).split("\n")).toEqual([
      "local now = tonumber(ARGV[1])",
      "local may_run = ARGV[2] == '1'",
      "local only = ARGV[3]",
      "local last_id = ARGV[4]",
      "local after_jobs = 5 + 3 * ARGV[5]",
      "local jobs = {} for i = 5 + 1, after_jobs, 3 do jobs[#jobs + 1] = { id = ARGV[i], score = ARGV[i + 1], claims = tonumber(ARGV[i + 2]) } end",
      "local gone = {} for i = after_jobs + 1, #ARGV, 1 do gone[#gone + 1] = ARGV[i] end",
      "",
    ]);
  });

  test("becomes the TypeScript that writes the arguments, and checks their types", () => {
    expect(codec(header)[0]).toBe(
      "write: (args: { readonly now: number; readonly mayRun: boolean; " +
        'readonly only?: undefined | "ready" | "dead"; readonly lastId?: undefined | string; ' +
        "readonly jobs: ReadonlyArray<{ readonly id: string; readonly score: number; readonly claims?: undefined | number }>; " +
        "readonly gone: ReadonlyArray<string> }) => [args.now, args.mayRun, args.only, args.lastId, args.jobs.length, " +
        "...args.jobs.flatMap((row) => [row.id, row.score, row.claims]), ...args.gone]",
    );
  });

  test("becomes the TypeScript that reads the reply", () => {
    expect(codec(header)[1]).toBe(
      "read: (reply: unknown) => ((row) => ({ more: flagOf(row[0]), moved: rowsOf(row.slice(1), 3, (row) => " +
        '({ id: String(row[0]), status: String(row[1]) as "moved" | "missing", ' +
        'at: row[2] === "" ? undefined : Number(row[2]) })) }))(arrayOf(reply))',
    );
    expect(codec("-- @reply a list(number), b list(flag)")[1]).toBe(
      "read: (reply: unknown) => ((row) => ({ a: arrayOf(row[0]).map((value) => Number(value)), " +
        "b: arrayOf(row[1]).map((value) => flagOf(value)) }))(arrayOf(reply))",
    );
    expect(codec("-- @reply number  how many")[1]).toBe("read: (reply: unknown) => Number(reply)");
  });

  test("is refused if it has a type that is not known", () => {
    expect(() => luaReader("-- @arg now nubmer")).toThrow("no known type: now nubmer");
  });
});
