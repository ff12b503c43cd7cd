import type { Readable } from "node:stream";
import type { Clock } from "../core/shared/clock.ts";

/** Where text goes: standard output or standard error. */
export interface Output {
  /** Whether a person looks at it, so that colours and moving lines make sense. */
  readonly isTTY?: boolean | undefined;
  /** How many characters fit on a line. */
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** What the user's own code logs, which the command line's moving line must not stand in the way of. */
export interface Logs {
  /** Is called with each write of a log, and makes it. */
  around: (write: () => void) => void;
}

/** All that the command line knows of the world. Nothing else in it touches the process. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: nothing else writes to the terminal. */
  readonly logs?: Logs;
  /** What paths are relative to. */
  readonly cwd: string;
  /** Tells the time. Default: the system's clock. */
  readonly clock?: Clock;
  /** Sends a request to a handler, or to Redis where `queue:doctor` asks it. Default: the platform's `fetch`. */
  readonly fetch?: (request: Request) => Response | Promise<Response>;
  /**
   * Does work that an interruption (Ctrl-C, SIGTERM) asks to end, through the signal, in place of ending the process. A second
   * one ends the process.
   */
  untilInterrupted<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result>;
}
