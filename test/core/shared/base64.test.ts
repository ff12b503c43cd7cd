import { expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../../src/core/shared/bytes.ts";

test("base64 is that of Node, for any number of bytes, and is read back", () => {
  for (const length of [0, 1, 2, 3, 4, 5, 255, 256, 257, 70_000]) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 31 + length) % 256);
    expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
  }
  expect(fromBase64("not base64!")).toBeUndefined();
});
