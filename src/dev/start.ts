/** Why `tidegate dev` cannot start, or go on. Its message says what to do. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** The address that everything here listens on: nothing is reachable from another machine. */
export const HOST = "127.0.0.1";

/** How a URL may name this machine. */
export const LOCAL_NAMES: readonly string[] = ["localhost", HOST, "[::1]"];
