import { expect, test } from "vitest";
import { fnv1a } from "../../../src/core/shared/hash.ts";

test("fnv1a gives the published values", () => {
  expect(["", "a", "foobar"].map((text) => fnv1a(text))).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
});

test("fnv1a from another basis gives another number", () => {
  expect(fnv1a("foobar", 0x9747b28c)).toBe(0xf0b32e41);
});
