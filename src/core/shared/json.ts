import { invalidRequest, orUndefined, tooLarge } from "./errors.ts";
import { isLarger, LARGEST_PAYLOAD, MEBIBYTE } from "./limits.ts";

type Stored = "payload" | "progress" | "result" | "data";

/**
 * Copies a value as JSON keeps it, so that the stored value is the checked one, whatever the caller changes later.
 *
 * @returns undefined for values that JSON leaves out: undefined, a function or a symbol.
 * @throws {TidegateError} `invalid_request` if it cannot be written as JSON, `payload_too_large` if it is larger.
 */
export function asJson(value: unknown, what: Stored, most = LARGEST_PAYLOAD): unknown {
  const text = written(what, () => JSON.stringify(value) as string | undefined);
  if (text === undefined) return undefined;
  if (isLarger(text, most))
    throw tooLarge(
      `The ${what} is larger than ${most / MEBIBYTE} MiB as JSON. Store the data elsewhere and pass its address.`,
    );
  return JSON.parse(text);
}

/** Calls `write`, which encodes such a value. @throws {TidegateError} `invalid_request` if that fails. */
export function written<Text>(what: Stored, write: () => Text): Text {
  try {
    return write();
  } catch {
    throw invalidRequest(
      `The ${what} cannot be stored as JSON: it contains a BigInt or itself, throws when it is read, or is nested too deeply.`,
    );
  }
}

export function jsonIn(text: string): unknown {
  return orUndefined(() => JSON.parse(text));
}
