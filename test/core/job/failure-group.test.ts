import { expect, test } from "vitest";
import { failureGroup, foldedError } from "../../../src/core/job/failure-group.ts";

const folded = (message: string) => foldedError({ name: "Error", message }).message;

test.each([
  ["connect ECONNREFUSED 127.0.0.1:6379", "connect ECONNREFUSED #"],
  ["User 0190b5c8-7f5a-7abc-bdef-aaaaaaaaaaaa is unknown", "User # is unknown"],
  ["cus_8fA31 has no card", "# has no card"],
  ['Column "email" of `users` is missing', 'Column "…" of "…" is missing'],
  ["Cannot read properties of undefined (reading 'to')", 'Cannot read properties of undefined (reading "…")'],
  ["It can't be the user's", "It can't be the user's"],
  ["took 5.2 s,\n  not 3 s", "took # s, not # s"],
  ["at 2026-03-01T12:00:00.000Z: HTTP 503", "at #: HTTP 503"],
  ["The destination responded with 404.", "The destination responded with 404."],
  ["of 404.5 and 10:500, 500/2, 4040, 399 and 600", "of # and #, #, #, # and #"],
  ["GET https://api.example.com/users/42 failed", "GET https://api.example.com/users/# failed"],
  ["503 after 409 ms, 500 bytes and 412 minutes", "503 after # ms, # bytes and # minutes"],
  ["404 sent, 500 items", "404 sent, 500 items"],
  ["HTTP 422 min length, 404 byte range, 503 ms-orders", "HTTP 422 min length, 404 byte range, 503 ms-orders"],
  ["größe12 fehlt", "# fehlt"],
])("%j folds to %j", (message, expected) => {
  expect(folded(message)).toBe(expected);
});

test("a long message folds to 200 characters, in time that grows with its length alone", () => {
  expect(folded("x ".repeat(500))).toBe(`${"x ".repeat(100)}…`);
  expect(folded('"'.repeat(999))).toBe(`${'"…"'.repeat(66)}"……`);
});

test("a group is of a job, the name of its error and its folded message", () => {
  const group = failureGroup("send", { name: "Error", message: "no user 7" });
  expect(group).toMatch(/^[0-9a-f]{12}$/);
  expect(failureGroup("send", { name: "Error", message: "no user 8" })).toBe(group);
  expect(failureGroup("send", { name: "TypeError", message: "no user 7" })).not.toBe(group);
  expect(failureGroup("send", { name: "Error", message: "no team 7" })).not.toBe(group);
  expect(failureGroup("save", { name: "Error", message: "no user 7" })).not.toBe(group);
});

test("the group of a failure is stored, so it stays what it was", () => {
  expect(failureGroup("send", { name: "Error", message: "no user 7" })).toBe("5e1a2419084a");
});
