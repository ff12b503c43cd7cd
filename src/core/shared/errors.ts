/** What went wrong, as a stable word that programs can compare. */
export type ErrorCode =
  | "invalid_request"
  | "invalid_payload"
  | "payload_too_large"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "store_unavailable";

const brand = Symbol.for("tidegate.error");

/**
 * The base of every error with which Tidegate refuses a request. Nothing was written, unless `code` is
 * `store_unavailable`: then the outcome is unknown, and you can repeat the call safely with the same id.
 *
 * Messages say what was wrong and what to do. They never contain a payload, a token or a URL.
 */
export class TidegateError extends Error {
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** @internal */
  readonly [brand] = true;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** One reason why a payload was refused, from the schema library. */
export interface PayloadIssue {
  /** Why, in the words of the schema library. */
  readonly message: string;
  /** Where in the payload: keys and indexes, from the outside in. */
  readonly path: ReadonlyArray<string | number>;
}

/** A payload does not fit the schema of its job. `issues` names each field that is wrong, without its value. */
export class InvalidPayloadError extends TidegateError {
  /** Each reason for the refusal. */
  readonly issues: readonly PayloadIssue[];

  constructor(message: string, issues: readonly PayloadIssue[]) {
    super("invalid_payload", message);
    this.issues = issues;
  }
}

/** A name, an id or a key is reserved for an interface of the queue. Over HTTP that is `forbidden`. */
export class ReservedError extends TidegateError {
  /** @internal */
  readonly isReserved = true;

  constructor(message: string) {
    super("invalid_request", message);
  }
}

/** Whether a value is an error of Tidegate, from any copy of the package (`instanceof` fails across bundles). */
export function isTidegateError(value: unknown): value is TidegateError {
  return value instanceof Error && brand in value;
}

export function resultOrRefusal<Result>(make: () => Result): Result | TidegateError {
  try {
    return make();
  } catch (error) {
    if (isTidegateError(error)) return error;
    throw error;
  }
}

export function orUndefined<Result>(make: () => Result): Result | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** Copies an error for another caller, so that each may change its own message. */
export function copyOfError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const copy = Object.setPrototypeOf(new Error(), Object.getPrototypeOf(error));
  return Object.defineProperties(copy, Object.getOwnPropertyDescriptors(error));
}

/** The code of a network error, such as " (ECONNREFUSED)"; "" if it has none. Its message may contain secrets. */
export function networkCode(error: unknown): string {
  const { code } = Object((error as { readonly cause?: unknown } | undefined)?.cause) as { readonly code?: unknown };
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? ` (${code})` : "";
}

/** Builds the error for an invalid value. The message says which one, why, and what is expected. */
export const invalidRequest = (message: string) => new TidegateError("invalid_request", message);
export const forbidden = (message: string) => new TidegateError("forbidden", message);
export const tooLarge = (message: string) => new TidegateError("payload_too_large", message);
export const notFound = (message: string) => new TidegateError("not_found", message);
export const conflict = (message: string) => new TidegateError("conflict", message);

/** Quotes a caller's text for a message, and cuts it after 80 characters. */
export function quote(text: string): string {
  const quoted = JSON.stringify(text);
  return quoted.length > 80 ? `${quoted.slice(0, 80)}..."` : quoted;
}
