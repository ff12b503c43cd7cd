// In the registry of symbols, so that another copy of the package finds it. No option can have the name.
const key = Symbol.for("tidegate.hidden");

/**
 * Adds a value to the options of an enqueue that the job needs but nobody may see, unlike its payload. It is stored
 * with the job, and stays when the payload is replaced.
 *
 * @param hidden a value that JSON can hold.
 */
export function withHidden<Options extends object>(options: Options, hidden: unknown): Options {
  return hidden === undefined ? options : { ...options, [key]: hidden };
}

export function hiddenOf(options: object): unknown {
  return (options as { readonly [key]?: unknown })[key];
}
