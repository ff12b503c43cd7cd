import type { Readable } from "node:stream";
import type { Clock } from "../core/shared/clock.ts";

export interface Output {
  /** Whether it is a terminal, so that colours and live lines make sense. */
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Everything that the command line uses of its process. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The logs of the user's own code. `around` wraps each write, to keep the live line whole. Default: none. */
  readonly logs?: { around: (write: () => void) => void };
  readonly cwd: string;
  /** The current time in ms since 1970. Default: the system's clock. */
  readonly clock?: Clock;
  /** Sends a request to a handler, or to Redis for `queue:doctor`. Default: the platform's `fetch`. */
  readonly fetch?: (request: Request) => Response | Promise<Response>;
  /** Runs work. The first Ctrl-C, SIGTERM or SIGHUP aborts the signal, the second ends the process. */
  untilInterrupted<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result>;
}
