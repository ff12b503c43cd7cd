import { invalidRequest, TidegateError } from "../../core/errors.ts";
import type { Meter } from "../../core/store.ts";
import { lockingLine, postlude, prelude, type Script } from "./scripts.ts";

/** Sends one command and gives its raw answer; throws where there is none, or Redis answers with an error. */
export type Send = (command: readonly string[], signal: AbortSignal) => Promise<unknown>;

/** Sends several plain commands in one round trip and gives their raw answers. */
export type SendMany = (commands: readonly (readonly string[])[], signal: AbortSignal) => Promise<readonly unknown[]>;

export interface Transport {
  readonly send: Send;
  readonly sendMany: SendMany;
  /** Where the scripts may carry Upstash's locking line: the address, under which a refusal is remembered. */
  readonly lockingAddress: string | undefined;
}

/** Addresses whose Redis knows no locking line: asked once in the life of an isolate, whatever stores are opened there. */
const withoutLocking = new Set<string>();

/** How long one round trip may take before it counts as lost. */
const ANSWER_WITHIN_MS = 10_000;
/** How often a request is sent whose answers get lost. */
const MOST_SENDS = 3;

/**
 * The way to one Redis: runs scripts by their hash, sends again what got no answer, and turns what goes wrong into errors
 * that a person can act on and that hold neither payload nor address.
 */
export class Connection {
  readonly #transport: Transport;
  #isLocking: boolean;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#isLocking = transport.lockingAddress !== undefined && !withoutLocking.has(transport.lockingAddress);
  }

  /**
   * Runs a script. `args` is told whether an earlier send may have arrived, so that the script can recognise its own work.
   *
   * @throws {TidegateError} `store_unavailable`
   */
  async run(
    script: Script,
    keys: readonly string[],
    args: (isResend: boolean) => readonly string[],
    meter: Meter | undefined,
    sends = MOST_SENDS,
  ): Promise<unknown> {
    return this.#persistently(Math.min(sends, MOST_SENDS), async (isResend, signal) => {
      const answer = await this.#evaluate(script, [String(keys.length), ...keys, ...args(isResend)], signal, meter);
      const [commands, result] = Array.isArray(answer) ? answer : [];
      if (typeof commands !== "number") throw new Error("unexpected answer");
      if (meter) meter.commands += commands;
      return result;
    });
  }

  /** Runs plain commands in one round trip. Only for those that are safe to repeat. @throws {TidegateError} `store_unavailable` */
  async plain(commands: readonly (readonly string[])[], meter: Meter | undefined): Promise<readonly unknown[]> {
    return this.#persistently(MOST_SENDS, async (_, signal) => {
      if (meter) meter.roundTrips++;
      const [first] = commands;
      const answers =
        commands.length === 1 && first
          ? [await this.#transport.send(first, signal)]
          : await this.#transport.sendMany(commands, signal);
      if (meter) meter.commands += commands.length;
      return answers;
    });
  }

  async #evaluate(
    script: Script,
    rest: readonly string[],
    signal: AbortSignal,
    meter: Meter | undefined,
  ): Promise<unknown> {
    const send = (command: readonly string[]) => {
      if (meter) meter.roundTrips++;
      return this.#transport.send(command, signal);
    };
    try {
      return await send(["EVALSHA", this.#isLocking ? script.lockingSha : script.sha, ...rest]);
    } catch (error) {
      if (!isReply(error, "NOSCRIPT")) throw error;
    }
    if (meter) meter.commands++;
    const source = prelude + script.body + postlude;
    try {
      return await send(["EVAL", (this.#isLocking ? lockingLine : "") + source, ...rest]);
    } catch (error) {
      // A stock redis-server does not know the flag. It says so before it runs anything, and is not asked again.
      if (!this.#isLocking || !/shebang|flag/i.test(messageOf(error))) throw error;
    }
    this.#isLocking = false;
    withoutLocking.add(this.#transport.lockingAddress ?? "");
    return this.#evaluate(script, rest, signal, meter);
  }

  async #persistently<Answer>(
    sends: number,
    attempt: (isResend: boolean, signal: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    for (let sent = 1; ; sent++) {
      try {
        return await attempt(sent > 1, AbortSignal.timeout(ANSWER_WITHIN_MS));
      } catch (error) {
        if (sent >= sends || refusalOf(error) !== undefined) throw toStoreError(error);
      }
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}

function isReply(error: unknown, prefix: string): boolean {
  return messageOf(error).startsWith(prefix);
}

const REFUSED_COMMAND =
  "Redis refused a command. Check that it is version 8 or Upstash, and that nothing else writes keys under the prefix.";

/** What Redis refuses for good, so that asking again would bring the same answer, and what to do about it. */
const refusals: readonly (readonly [RegExp, string])[] = [
  [
    /max requests limit exceeded/i,
    "The monthly command quota of this Redis is used up. Raise the plan's limit, or wait for the next month.",
  ],
  [
    /max request size|max.*size exceeded/i,
    "The request or its answer is larger than Redis accepts. Enqueue fewer or smaller jobs at once.",
  ],
  [/^OOM|maxmemory|max.*storage/i, "Redis is full. Clear completed or dead jobs, or take a larger plan."],
  [
    /^(WRONGPASS|NOAUTH|NOPERM|Unauthorized)/i,
    "Redis refused the token. Check UPSTASH_REDIS_REST_TOKEN: a read-only token cannot be used.",
  ],
  [/^(WRONGTYPE|ERR unknown command|ERR user_script|ERR Error running script|ERR Error compiling)/i, REFUSED_COMMAND],
];

/** Whether Redis refused a command for good, as it does where a key holds another kind of value than it should. */
export function isRefusedCommand(error: unknown): boolean {
  return messageOf(error) === REFUSED_COMMAND;
}

function refusalOf(error: unknown): string | undefined {
  return refusals.find(([pattern]) => pattern.test(messageOf(error)))?.[1];
}

/** Says what to do, in words of our own: the client's messages hold the whole command, payload included. */
function toStoreError(error: unknown): TidegateError {
  if (error instanceof TidegateError) return error;
  const lost = "Redis did not answer as it should. Check UPSTASH_REDIS_REST_URL, and that the database is there.";
  return new TidegateError("store_unavailable", refusalOf(error) ?? lost);
}

/** Reads what keys begin with. @throws {TidegateError} `invalid_request` */
export function readPrefix(prefix: unknown = "tidegate"): string {
  if (typeof prefix !== "string" || !/^[\w.:-]{1,64}$/.test(prefix))
    throw invalidRequest("prefix must be 1 to 64 letters, digits, dots, colons, hyphens or underscores.");
  return prefix;
}
