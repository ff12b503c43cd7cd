import { invalidRequest, quote } from "./errors.ts";

/**
 * Checks that each option is one that is read. One that is not, such as a misspelt one or another library's, would be left out
 * in silence, and its default hold.
 *
 * @param of what the options are of, for the message: "enqueue".
 * @throws {TidegateError} `invalid_request`; the message names the option and those that there are.
 */
export function checkKnown(options: object, known: readonly string[], of: string): void {
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown === undefined) return;
  throw invalidRequest(`${quote(unknown)} is no option of ${of}. It knows: ${known.join(", ")}.`);
}
