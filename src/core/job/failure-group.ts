import { fnv1a, OTHER_BASIS } from "../shared/hash.ts";
import { groupName } from "../store/failures.ts";
import type { AttemptError } from "./record.ts";

/** The name and the message of an error, without the parts that differ between failures of one cause. */
type FoldedError = Pick<AttemptError, "name" | "message">;

const LONGEST_MESSAGE = 200;

// Quoted text. An apostrophe within a word is not a quote.
const quoted = /"[^"]*"|`[^`]*`|“[^”]*”|‘[^’]*’|«[^»]*»|(^|[^\p{L}\p{N}_])'[^']*'(?![\p{L}\p{N}_])/gu;
const word = /[\p{L}\p{N}_]+(?:-[\p{L}\p{N}_]+)*/gu;
// A number that may be an HTTP status, and so a cause of its own; not a part of a larger number, an address or a time.
const status = /^[45]\d\d$/;
const partBefore = /\p{N}[.,:/-]$/u;
const partAfter = /^[.,:/-]\p{N}/u;
// A unit, as in "after 409 ms". A word that may belong to what follows, as in "422 min length", is none.
const unitAfter = /^ ?(?:%|(?:[nµm]s|s|secs|milliseconds|seconds|minutes|hours|bytes|[kKMG]i?B)(?![\p{L}\p{N}_-]))/u;
// Parts of an address, a date or a decimal number.
const numbers = /#(?:[.,:/-]#)+/g;

/**
 * Folds an error: quoted text becomes "…", and each word with a digit, such as a number or an id, becomes #. A number
 * from 400 to 599 without a unit stays, since it may be an HTTP status. The message is cut to 200 characters.
 */
export function foldedError({ name, message }: FoldedError): FoldedError {
  const folded = message
    .replace(quoted, (_, before: string | undefined) => `${before ?? ""}"…"`)
    .replace(word, (text, at: number, whole: string) =>
      /\p{N}/u.test(text) && !isStatus(text, at, whole) ? "#" : text,
    )
    .replace(numbers, "#")
    .replace(/\s+/g, " ")
    .trim();
  return {
    name,
    message: folded.length > LONGEST_MESSAGE ? `${folded.slice(0, LONGEST_MESSAGE)}…`.toWellFormed() : folded,
  };
}

function isStatus(text: string, at: number, whole: string): boolean {
  const after = whole.slice(at + text.length);
  return status.test(text) && !partBefore.test(whole.slice(0, at)) && !partAfter.test(after) && !unitAfter.test(after);
}

/** The group of a dead job, by its name and folded error. It is stored, so it must stay the same for the same texts. */
export function failureGroup(job: string, error: FoldedError): string {
  const folded = foldedError(error);
  const text = [job, folded.name, folded.message].join("\n");
  return groupName((fnv1a(text) & 0xffff) * 2 ** 32 + fnv1a(text, OTHER_BASIS));
}
