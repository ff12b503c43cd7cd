import { sha1Hex } from "../../core/shared/bytes.ts";
import { invalidRequest } from "../../core/shared/errors.ts";
import { countRequest, type Meter, OutOfBudgetError } from "../../core/store/meter.ts";
import { MOST_SENDS } from "../../core/store/store.ts";
import { type ConnectionWords, isRefusal, messageOf, toStoreError } from "./explain.ts";
import type { QueueKeys } from "./keys.ts";
import { type Dialect, heads, postlude, prelude, type Script } from "./scripts.generated.ts";

export type Command = readonly string[];

export interface Transport {
  /** Sends one command and returns its raw reply. Throws if there is none, or if Redis replies with an error. */
  send(command: Command, signal: AbortSignal): Promise<unknown>;
  /**
   * Sends several plain commands in one round trip and returns their raw replies, with an `Error` for each that failed.
   * Commands of others may run in between. Throws if there is no reply at all.
   */
  sendMany(commands: readonly Command[], signal: AbortSignal): Promise<readonly unknown[]>;
  /** Whether commands share a connection that stays open. Default false. */
  readonly keepsConnection?: boolean;
  /** The address of a Redis that may know Upstash's locking line. A refusal is remembered under it. */
  readonly lockingAddress: string | undefined;
  readonly words: ConnectionWords;
}

/** What the Redis at each address knows: found out once in the life of an isolate. */
const dialects = new Map<string, Dialect>();

type Shas = Readonly<Record<Dialect, string>>;

/** How Redis knows the scripts that this isolate has sent. A bundle without these hashes is 2 KB smaller. */
const shas = new Map<Script, Shas>();

const textOf = (script: Script, dialect: Dialect) => heads[dialect] + prelude + script.body.join("") + postlude;

async function hash(script: Script): Promise<Shas> {
  const [plain, locking, ownExpiry] = await Promise.all(
    (["plain", "locking", "ownExpiry"] as const).map((dialect) => sha1Hex(textOf(script, dialect))),
  );
  const hashes = { plain, locking, ownExpiry } as Shas;
  shas.set(script, hashes);
  return hashes;
}

/** How long one round trip may take before it counts as lost. */
const REPLY_WITHIN_MS = 10_000;
/** The average pause before the second send; before the third, ten times as long. This bridges a third of a second. */
const FIRST_PAUSE_MS = 50;
const PAUSE_GROWTH = 10;

/** How Redis refuses a script that it does not have, and a flag that it does not know. */
const UNKNOWN_SCRIPT = /^NOSCRIPT/;
const UNKNOWN_FLAG = /shebang|flag/i;

interface Evaluation {
  readonly script: Script;
  readonly keys: QueueKeys;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  readonly meter: Meter | undefined;
}

interface Fallback {
  readonly reason: RegExp;
  /** How many requests it may take. */
  readonly requests: number;
  readonly send: () => Promise<unknown>;
}

/** Waits between two sends, by the timers of the platform: a test may stop the clock of its queue. */
export type Pause = (ms: number) => Promise<void>;

export type Deadline = () => AbortSignal;

const pauseByTimer: Pause = (ms) => new Promise((resolve) => void setTimeout(resolve, ms));
const deadlineByTimer: Deadline = () => AbortSignal.timeout(REPLY_WITHIN_MS);

/**
 * The way to one Redis. It runs scripts by their hash, sends requests again if their replies are lost, and turns
 * failures into errors that tell a person what to do and that hold neither payload nor address.
 */
export class Connection {
  /** The keys `due` of queues in which this process has stored jobs: they have the mark of that. */
  readonly used = new Set<string>();
  readonly #transport: Transport;
  readonly #pause: Pause;
  readonly random: () => number;
  readonly #deadline: Deadline;
  #dialect: Dialect;
  #isSure = false;

  constructor(
    transport: Transport,
    pause: Pause = pauseByTimer,
    random: () => number = Math.random,
    deadline: Deadline = deadlineByTimer,
  ) {
    this.#transport = transport;
    this.#pause = pause;
    this.random = random;
    this.#deadline = deadline;
    const { lockingAddress } = transport;
    this.#dialect = lockingAddress === undefined ? "plain" : (dialects.get(lockingAddress) ?? "locking");
  }

  get keepsConnection(): boolean {
    return this.#transport.keepsConnection ?? false;
  }

  /**
   * Runs a script. `args` gets whether this is a resend.
   *
   * @param pauseMs how long all pauses between sends may take together. Default: as long as they take.
   * @throws {TidegateError} `store_unavailable`
   */
  async run(
    script: Script,
    keys: QueueKeys,
    args: (isResend: boolean) => readonly string[],
    meter: Meter | undefined,
    pauseMs?: number,
  ): Promise<unknown> {
    return this.#persistently(pauseMs, (isResend, signal) =>
      this.#evaluate({ script, keys, args: args(isResend), signal, meter }),
    );
  }

  /** Runs plain commands that are safe to repeat, in one round trip. @throws {TidegateError} `store_unavailable` */
  async plain(commands: readonly Command[], meter: Meter | undefined): Promise<readonly unknown[]> {
    return this.#persistently(undefined, async (_, signal) => {
      countRequest(meter, commands.length);
      const [first] = commands;
      const replies =
        commands.length === 1 && first
          ? [await this.#transport.send(first, signal)]
          : await this.#transport.sendMany(commands, signal);
      const error = replies.find((reply) => reply instanceof Error);
      if (error) throw error;
      return replies;
    });
  }

  async #evaluate(evaluation: Evaluation): Promise<unknown> {
    const { script, keys, args, meter } = evaluation;
    // Do not await anything between the questions for room below and the request.
    const hashes = shas.get(script) ?? (await hash(script));
    const rest = [String(keys.all.length), ...keys.all, ...args];
    const hasRoom = (requests: number) => meter?.allows?.(requests) !== false;
    // Finding out whether this Redis knows the flag may take four requests.
    const isUnsure = this.#dialect === "locking" && !this.#isSure;
    const dialect = isUnsure && !hasRoom(4) ? "plain" : this.#dialect;
    const toAskAgain = isUnsure && dialect === "locking" ? 2 : 0;
    // A stock redis-server does not know the flag. It says so before it runs anything, and is not asked again.
    const withoutFlag = () => {
      this.#speak("plain");
      return this.#evaluate(evaluation);
    };
    const unknownFlag = { reason: UNKNOWN_FLAG, requests: toAskAgain, send: withoutFlag };
    const onUnknownFlag = dialect === "locking" ? unknownFlag : undefined;
    const byText = () => this.#send(["EVAL", textOf(script, dialect), ...rest], evaluation, onUnknownFlag);
    const unknownScript = { reason: UNKNOWN_SCRIPT, requests: 1 + toAskAgain, send: byText };
    // The last request that there is room for carries the script itself.
    const reply = await (hasRoom(2)
      ? this.#send(["EVALSHA", hashes[dialect], ...rest], evaluation, unknownScript)
      : byText());
    this.#isSure ||= dialect === this.#dialect;
    return reply;
  }

  /** The reply of a script. A refusal that `fallback` expects is billed as one command, with room for it kept. */
  async #send(command: readonly string[], { signal, meter }: Evaluation, fallback?: Fallback): Promise<unknown> {
    const billed = countRequest(meter, 1);
    const letGo = meter?.hold?.(fallback?.requests ?? 0);
    try {
      const reply = await this.#transport.send(command, signal);
      const [commands, result, lacksHsetex] = Array.isArray(reply) ? reply : [];
      if (typeof commands !== "number") throw new Error("unexpected reply");
      letGo?.();
      billed(commands);
      // From now on, scripts expire fields by themselves.
      if (lacksHsetex === 1) this.#speak("ownExpiry");
      return result;
    } catch (error) {
      letGo?.();
      if (!fallback?.reason.test(messageOf(error))) throw error;
      // In the same turn, so that no other request takes the room in the budget.
      return fallback.send();
    }
  }

  #speak(dialect: Dialect): void {
    this.#dialect = dialect;
    const { lockingAddress } = this.#transport;
    if (lockingAddress !== undefined) dialects.set(lockingAddress, dialect);
  }

  async #persistently<Reply>(
    pauseMs = Number.POSITIVE_INFINITY,
    attempt: (isResend: boolean, signal: AbortSignal) => Promise<Reply>,
  ): Promise<Reply> {
    const { words } = this.#transport;
    let left = pauseMs;
    let lost: unknown;
    for (let sent = 1; ; sent++) {
      try {
        return await attempt(sent > 1, this.#deadline());
      } catch (error) {
        if (error instanceof OutOfBudgetError) throw lost === undefined ? error : toStoreError(lost, words);
        if (sent >= MOST_SENDS || isRefusal(error)) throw toStoreError(error, words);
        lost = error;
      }
      // The pause is random, so that clients in the same outage do not all come back at once.
      const pause = FIRST_PAUSE_MS * PAUSE_GROWTH ** (sent - 1) * (0.75 + this.random() / 2);
      const bounded = Math.max(0, Math.min(pause, left));
      left -= bounded;
      if (bounded > 0) await this.#pause(bounded);
    }
  }
}

/** Reads what keys begin with. @throws {TidegateError} `invalid_request` */
export function readPrefix(prefix: unknown = "tidegate"): string {
  if (typeof prefix !== "string" || !/^[\w.:-]{1,64}$/.test(prefix))
    throw invalidRequest("prefix must be 1 to 64 letters, digits, dots, colons, hyphens or underscores.");
  return prefix;
}
