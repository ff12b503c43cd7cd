// In the registry of symbols, so that a copy of the package finds it in the options of another copy. No option can have
// the name.
const key = Symbol.for("tidegate.hidden");

/**
 * Adds to the options of an enqueue what the job needs besides its payload and is never shown: lists of jobs show their
 * payloads. It is stored with the job, and stays when the payload is replaced.
 *
 * @param hidden a value that JSON can hold.
 */
export function withHidden<Options extends object>(options: Options, hidden: unknown): Options {
  return hidden === undefined ? options : { ...options, [key]: hidden };
}

/** What `withHidden` has added. */
export function hiddenOf(options: object): unknown {
  return (options as { readonly [key]?: unknown })[key];
}
