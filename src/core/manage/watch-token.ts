import { isSigned, sign, signingKey, toBase64Url, utf8 } from "../shared/bytes.ts";
import { type Duration, durationMs } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import { flag, optionsOf, span } from "../shared/schema.ts";

/** What a watch token allows, and for how long. */
export interface WatchTokenOptions {
  /** How long the token is valid. Default "1h". */
  readonly ttl?: Duration | undefined;
  /** Whether the token also shows the result of the job, or the error that it died of. Default false. */
  readonly results?: boolean | undefined;
}

const watchTokenOptions = optionsOf<WatchTokenOptions>("watchToken", {
  ttl: span,
  results: flag,
});

/** What a token says, once its signature has been checked. */
export interface WatchClaims {
  readonly queue: string;
  readonly id: string;
  /** In ms since 1970. */
  readonly expiresAt: number;
  readonly results: boolean;
}

/** Tells a watch token from every other token. The client reads the queue and the id from what follows. */
const PREFIX = "watch.";
const LEAST_SECRET = 16;

export function isWatchToken(token: string | undefined): token is string {
  return token?.startsWith(PREFIX) === true;
}

export type WatchTokens = ReturnType<typeof watchTokens>;

/**
 * Signs and checks watch tokens. Nothing is stored: a token is valid while its secret is known.
 *
 * @param secrets the first one signs; all of them are accepted.
 */
export function watchTokens(secrets: readonly string[]) {
  // Holds the keys, not a promise of them: workerd refuses to await a promise that another request made.
  let keys: readonly CryptoKey[] | undefined;
  const prepare = async () => {
    keys ??= await Promise.all(secrets.map(signingKey));
    return keys;
  };
  return {
    async sign(queue: string, id: string, options: WatchTokenOptions, now: number): Promise<string> {
      const { ttl = "1h", results = false } = watchTokenOptions.read(options);
      const [key] = await prepare();
      if (!key) throw invalidRequest("This queue has no watchSecret. Give it one: new Queue({ watchSecret }).");
      const claims = [queue, id, now + durationMs(ttl, "ttl"), results ? "results" : ""].map(encodeURIComponent);
      const text = PREFIX + toBase64Url(utf8(claims.join(":")));
      return `${text}.${toBase64Url(await sign(key, text))}`;
    },
    /** What the token says; undefined unless it was signed with one of the secrets. It may have expired. */
    async read(token: string): Promise<WatchClaims | undefined> {
      const [, text = "", claims = "", signature = ""] = /^(watch\.([\w-]+))\.([\w-]{43})$/.exec(token) ?? [];
      const bytes = Uint8Array.from(fromBase64Url(signature), (character) => character.charCodeAt(0));
      const found = await Promise.all((await prepare()).map((key) => isSigned(key, text, bytes)));
      if (!found.includes(true)) return undefined;
      const [queue = "", id = "", expiresAt, results] = fromBase64Url(claims).split(":").map(decodeURIComponent);
      return { queue, id, expiresAt: Number(expiresAt), results: results === "results" };
    },
  };
}

function fromBase64Url(text: string): string {
  return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
}

/** Reads the option of a queue. @throws {TidegateError} `invalid_request`, without the secret */
export function readWatchSecrets(given: unknown): readonly string[] {
  if (given === undefined) return [];
  const secrets: readonly unknown[] = Array.isArray(given) ? given : [given];
  const areLong = secrets.every((secret) => typeof secret === "string" && secret.length >= LEAST_SECRET);
  if (secrets.length > 0 && areLong) return secrets as readonly string[];
  throw invalidRequest(
    `watchSecret must be a string of at least ${LEAST_SECRET} characters, such as "openssl rand -hex 32" prints, or an array of them.`,
  );
}
