import { describe, expect, test } from "vitest";
import { luaMinifier } from "../../scripts/generate/minify-lua.ts";

/** Minifies parts of a script, one after the other. */
function minified(...sources: string[]) {
  const minify = luaMinifier(sources);
  const known = new Map<string, string>();
  return sources.map((source) => minify([source], known).join());
}

describe("minified Lua", () => {
  test("keeps texts, numbers, fields, and the names that Redis gives", () => {
    const source = `
      -- A comment -- with more of it.
      local reply = redis.call('GET', KEYS[1]) -- of 'this'
      local found = { reply = reply, [reply] = "a -- b", count = #reply - -1 }
      return found.reply .. 1 .. 'it\\'s', found:count(1e3, ...)`;
    expect(minified(source)).toEqual([
      `local a=redis.call('GET',KEYS[1])local b={reply=a,[a]="a -- b",count=#a- -1}return b.reply..1 ..'it\\'s',b:count(1e3,...)`,
    ]);
  });

  test("gives a name the same short form in all parts of a script", () => {
    const [part, script] = minified("local function twice(number) return later * number end", "local later = twice(1)");
    expect(part).toBe("local function a(a)return b*a end");
    expect(script).toBe("local b=a(1)");
  });

  test("gives a name of a script a short form that no part before it has", () => {
    const minify = luaMinifier(["local first = 1 local second = first", "local own = first"]);
    const known = new Map<string, string>();
    minify(["local first = 1 local second = first"], known);
    expect(minify(["local own = first", "return own"], new Map(known))).toEqual(["local c=a", "return c"]);
    expect([...known.keys()]).toEqual(["first", "second"]);
  });

  test("never gives two names that a function knows the same short form", () => {
    const [text] = minified(`
      local sum = 0
      local function add(value, factor) sum = sum + value * factor end
      local function other(first) local second = first return function() return second, first, sum end end
      for key, value in pairs({ sum = add, other }) do sum = key end`);
    expect(text).toBe(
      "local a=0 local function b(e,b)a=a+e*b end local function c(b)local c=b return function()return c,b,a end end for d,e in pairs({sum=b,c})do a=d end",
    );
  });

  test("puts constants where they are used", () => {
    const source = `
local LEASE = ' lease:'
local HOUR_MS = 3600000
local KINDS = { 'dead' }
local hour = 2 * HOUR_MS
return LEASE .. hour, #LEASE, '#' .. HOUR_MS, { HOUR_MS = -HOUR_MS }, KINDS`;
    expect(minified(source)).toEqual([
      "local a={'dead'}local b=2*3600000 return' lease:'..b,#' lease:','#'..3600000,{HOUR_MS=-3600000},a",
    ]);
  });

  test("is refused if a name is declared nowhere, a constant twice, or a bracket is long", () => {
    expect(() => luaMinifier(["local now = 1", "return later"])).toThrow("No Lua script declares later.");
    expect(() => luaMinifier(["local HOUR = 1", "local HOUR = 2"])).toThrow("Two constants");
    expect(() => luaMinifier(["local HOUR = 1", "local HOUR = {}"])).toThrow("HOUR is a constant in one Lua script");
    expect(() => luaMinifier(["return [[text]]"])).toThrow("long brackets");
    expect(() => luaMinifier(["--[[ comment\n]] return 1"])).toThrow("long brackets");
  });
});
