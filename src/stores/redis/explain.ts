import { TidegateError } from "../../core/shared/errors.ts";

/** What to do if Redis refuses the caller or does not reply, in words that fit this connection. */
export interface ConnectionWords {
  /** Redis refused the caller. */
  readonly access: string;
  /** There was no reply, or none that makes sense. */
  readonly lost: string;
  /** Replies that only this kind of connection can get. */
  readonly replies?: readonly (readonly [RegExp, string])[];
}

const REFUSED_COMMAND =
  "Redis refused a command. Check that it is version 6.2 or newer, or Upstash, that the user may call every command, and that nothing else writes keys under the prefix.";

const REFUSED_ACCESS = /^(WRONGPASS|NOAUTH|NOPERM|Unauthorized)/i;

/** What Redis refuses for good, however often it is sent, and what to do about it. */
const refusals: readonly (readonly [RegExp, string])[] = [
  [
    /max (daily )?requests? limit exceeded/i,
    "The command quota of this Redis is used up. Raise the plan's limit, or wait for the next month.",
  ],
  [
    /max request size|max.*size exceeded/i,
    "The request or its response is larger than Redis accepts. Enqueue fewer or smaller jobs at once.",
  ],
  [
    /^(ERR )?OOM|maxmemory|max.*storage|capacity quota/i,
    "Redis is full. Clear completed or dead jobs, or give it more memory or a larger plan.",
  ],
  [
    /^(ERR )?(WRONGTYPE|unknown (redis )?command|ACL failure|user_script|Error running script|Error compiling)/i,
    REFUSED_COMMAND,
  ],
];

/** States of a Redis that pass. A script includes such an error in its own. */
const states: readonly (readonly [RegExp, string])[] = [
  [/\bREADONLY\b/, "Redis replied as a read-only replica. Connect to the primary."],
  [/\bMASTERDOWN\b/, "Redis replied as a replica that has lost its primary. Connect to the primary."],
  [/\bMISCONF\b/, "Redis cannot save its data, and takes no writes. Check its disk and its log."],
  [/\bNOREPLICAS\b/, "Redis takes no writes, because too few of its replicas are connected. Check the replicas."],
  [/\bLOADING\b/, "Redis is loading its data. Wait until it has."],
  [/\bBUSY\b/, "A slow script or function blocks Redis. Wait for its end, or stop it with SCRIPT KILL."],
];

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}

export function isRefusal(error: unknown): boolean {
  const message = messageOf(error);
  return (
    !states.some(([pattern]) => pattern.test(message)) &&
    (REFUSED_ACCESS.test(message) || textOf(refusals, message) !== undefined)
  );
}

/** Says what to do. It does not repeat the client's message, which holds the whole command, payload included. */
export function toStoreError(error: unknown, words: ConnectionWords): TidegateError {
  if (error instanceof TidegateError) return error;
  const message = messageOf(error);
  const known = [...(words.replies ?? []), ...states, [REFUSED_ACCESS, words.access] as const, ...refusals];
  return new TidegateError("store_unavailable", textOf(known, message) ?? words.lost);
}

function textOf(known: readonly (readonly [RegExp, string])[], message: string): string | undefined {
  return known.find(([pattern]) => pattern.test(message))?.[1];
}
