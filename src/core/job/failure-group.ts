import { fnv1a } from "../shared/hash.ts";
import { groupName } from "../store/failures.ts";

/** The name and the message of an error, without what differs between failures of one cause. */
export interface FoldedError {
  readonly name: string;
  readonly message: string;
}

const LONGEST_MESSAGE = 200;
/** Another basis of the hash, so that two hashes of a text have nothing in common. */
const OTHER_BASIS = 0x5bd1e995;

// What stands in quotes. An apostrophe within a word is none.
const quoted = /"[^"]*"|`[^`]*`|“[^”]*”|‘[^’]*’|«[^»]*»|(^|[^\p{L}\p{N}_])'[^']*'(?![\p{L}\p{N}_])/gu;
const word = /[\p{L}\p{N}_]+(?:-[\p{L}\p{N}_]+)*/gu;
// A number that may be the status of an HTTP response, and so a cause of its own; no part of a larger number, an
// address or a time.
const status = /^[45]\d\d$/;
const partBefore = /\p{N}[.,:/-]$/u;
const partAfter = /^[.,:/-]\p{N}/u;
// Parts of an address, a date or a decimal number.
const numbers = /#(?:[.,:/-]#)+/g;

/**
 * Folds an error: what is quoted becomes "…", each word with a digit in it, such as a number or an id, becomes #. A
 * number from 400 to 599 stays. The message is cut to 200 characters.
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
  return status.test(text) && !partBefore.test(whole.slice(0, at)) && !partAfter.test(whole.slice(at + text.length));
}

/**
 * The group of a dead job: that of its name and its folded error. Stored, so it must never change for the same three
 * texts.
 */
export function failureGroup(job: string, error: FoldedError): string {
  const folded = foldedError(error);
  const text = [job, folded.name, folded.message].join("\n");
  return groupName((fnv1a(text) & 0xffff) * 2 ** 32 + fnv1a(text, OTHER_BASIS));
}
