/** QStash's REST interface in front of a queue, for QStash's own SDKs. @module tidegate/qstash */

import { fromBase64 } from "../core/shared/bytes.ts";
import { type Duration, durationMs } from "../core/shared/duration.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import { jsonIn } from "../core/shared/json.ts";
import { checkFunctions, knownOptions } from "../core/shared/validate.ts";
import { bearerOf, checkToken, identifier } from "../http/auth.ts";
import type { QStash } from "../http/qstash-port.ts";
import { defineDelivery } from "./delivery/delivery-job.ts";
import { defineFanOut } from "./publish/url-groups.ts";
import { responder } from "./routes/router.ts";
import { KeyRing, type SigningKeys } from "./security/signing-keys.ts";
import { readTargets } from "./security/targets.ts";

export type { QStash } from "../http/qstash-port.ts";
export { type QStashWakeOptions, qstashWake } from "./wake.ts";

/** Who may publish, how deliveries are signed, and where they may go. */
export interface QStashOptions {
  /** The tokens that SDKs send, each with at least 12 characters. Each of them may do everything below `/v2`. */
  readonly tokens: readonly string[];
  /** The keys of the receivers. `current` signs deliveries, and `next` replaces it with the next rotation. */
  readonly signingKeys: { readonly current: string; readonly next: string };
  /**
   * Where messages may go. "https://app.example.com/*" covers every path of this host,
   * "https://app.example.com/hooks/*" every path below `/hooks/`, and "https://app.example.com/hook" only this one.
   * Scheme, host and port must be the same; on this machine the port may be "*", as in "http://localhost:*" with a path
   * behind it. Nothing else is called, and redirects are not followed.
   */
  readonly targets: readonly string[];
  /**
   * The timeout of a delivery whose message sets none. Default "29s": with a longer one, deliveries would start with
   * the next tick instead of right after the publish.
   */
  readonly timeout?: Duration | undefined;
  /**
   * How long the states of messages are kept for `logs`, up to 90 days, such as `{ retention: "3d" }`. Each state costs
   * five Redis commands. The states of one publish cost five together. Default false: none are kept.
   */
  readonly events?: { readonly retention: Duration } | false | undefined;
  /** Sends the deliveries. Default: the platform's own. */
  readonly fetch?: typeof fetch | undefined;
}

const optionNames = ["tokens", "signingKeys", "targets", "timeout", "events", "fetch"];

/**
 * Creates QStash's interface. Add its `jobs` to a queue, and pass it to `createHandler`, `createWorker` or
 * `createRoute`.
 *
 * ```ts
 * const qstash = createQStash({
 *   tokens: [env.QSTASH_TOKEN],
 *   signingKeys: { current: env.QSTASH_CURRENT_SIGNING_KEY, next: env.QSTASH_NEXT_SIGNING_KEY },
 *   targets: ["https://app.example.com/*"],
 * });
 * const queue = new Queue({ store, jobs: [...qstash.jobs, ...others] });
 * createHandler({ queue, auth, qstash });
 * ```
 *
 * @throws {TidegateError} `invalid_request` for an invalid option; the message names it.
 */
export function createQStash(options: QStashOptions): QStash {
  const given = knownOptions(options, optionNames, "createQStash");
  checkFunctions(given, ["fetch"]);
  const { timeout = "29s", fetch: send = (...call) => fetch(...call) } = given;
  const targets = readTargets(given.targets);
  const keys = new KeyRing(readSigningKeys(given.signingKeys));
  const timeoutMs = durationMs(timeout, "timeout");
  if (timeoutMs === 0) throw invalidRequest("timeout must be longer than 0.");
  const tokens = readTokens(given.tokens);
  const identify = identifier(tokens);
  const users = new Set(tokens.flatMap(({ token }) => userOf(token) ?? []));
  const eventsKeptMs = readRetention(given.events);
  const settings = { targets, keys, eventsKeptMs, timeoutMs, fetch: send, users, knownQueues: new Set<string>() };
  return {
    jobs: [defineDelivery(settings), defineFanOut()],
    respond: responder(settings, (request) => identify(bearerOf(request))),
  };
}

function readTokens(tokens: unknown) {
  if (!Array.isArray(tokens) || tokens.length === 0)
    throw invalidRequest("createQStash needs at least one token in tokens.");
  return tokens.map((token: unknown, index) => ({
    token: checkToken(token, `tokens[${index}]`),
    scopes: new Set(["admin"] as const),
  }));
}

const LONGEST_RETENTION_MS = 90 * 86_400_000;

function readRetention(events: unknown): number | undefined {
  if (events === undefined || events === false) return undefined;
  const { retention } = knownOptions(events as { readonly retention?: unknown }, ["retention"], "events");
  const retentionMs = durationMs(retention, "events.retention");
  if (retentionMs === 0 || retentionMs > LONGEST_RETENTION_MS)
    throw invalidRequest('events.retention must be longer than 0, and at most "90d".');
  return retentionMs;
}

function readSigningKeys(keys: unknown): SigningKeys {
  const { current, next } = knownOptions((keys ?? {}) as Partial<SigningKeys>, ["current", "next"], "signingKeys");
  return { current: checkToken(current, "signingKeys.current"), next: checkToken(next, "signingKeys.next") };
}

/** The user of a token that has QStash's form, base64 of `{ UserID, Password }`; undefined for any other token. */
function userOf(token: string): string | undefined {
  const { UserID: user } = Object(jsonIn(new TextDecoder().decode(fromBase64(token))));
  return typeof user === "string" && user !== "" ? user : undefined;
}
