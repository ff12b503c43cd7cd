import { allScopes, type Scope } from "../contract/operations.ts";
import { isWatchToken, type WatchClaims } from "../core/manage/watch-token.ts";
import { internalsOf } from "../core/queue/internals.ts";
import type { Queue } from "../core/queue/queue.ts";
import { sha256 } from "../core/shared/bytes.ts";
import { forbidden, invalidRequest, TidegateError } from "../core/shared/errors.ts";
import { isObject } from "../core/shared/schema.ts";
import { knownOptions } from "../core/shared/validate.ts";
import type { LimitedCaller, LimitedToken, Limits } from "./limited-token.ts";
import { limitedCaller, readLimits, tokenName } from "./limited-token.ts";

/**
 * The accepted tokens, by scope. A scope can have several tokens at once. To rotate one, add the new token, move the
 * callers over, then remove the old one. A token has at least 12 characters. Use long random ones, such as
 * `openssl rand -hex 32` prints. In `enqueue`, a token can be limited to some jobs; in the
 * other scopes, it can have a name, which `listChanges` shows.
 */
export type Tokens = {
  readonly [Name in Scope]?: readonly (string | (Name extends "enqueue" ? LimitedToken : NamedToken))[] | undefined;
};

/** A token of somebody whom the list of changes names. */
export interface NamedToken extends Pick<LimitedToken, "token"> {
  /** Who holds it, such as "on-call": 1 to 64 letters, digits, dots, hyphens and underscores. */
  readonly name: string;
}

export interface Caller {
  /** "needless" if `auth` is "none". */
  readonly token: "known" | "unknown" | "missing" | "needless";
  readonly scopes: ReadonlySet<Scope>;
  readonly name?: string | undefined;
  /** What a watch token allows: to see the events of one job, until then. Such a caller has no scope. */
  readonly watches?: Pick<WatchClaims, "expiresAt" | "results">;
  readonly limits?: LimitedCaller | undefined;
}

export interface KnownToken {
  readonly token: string;
  readonly scopes: ReadonlySet<Scope>;
  readonly name?: string | undefined;
  readonly limits?: Limits | undefined;
}

/** Identifies the caller of a request. `mutates`: whether the request would do more than read. */
export type Authenticate = (request: Request, mutates: boolean) => Promise<Caller>;

export interface SessionFinder {
  /** @throws {TidegateError} `forbidden` if the request mutates and may come from another site's page. */
  callerOf(request: Request, mutates: boolean): Promise<Caller | undefined>;
}

export type { Scope };

const A_TOKEN = 'a token of 12 to 1000 visible ASCII characters, such as "openssl rand -hex 32" prints';
const tokenPattern = /^[\x21-\x7e]{12,1000}$/;

/** Identifies callers by header, else by session. @param tokens undefined admits all, but other sites only to read. */
export function authenticator(tokens: readonly KnownToken[] | undefined, sessions?: SessionFinder): Authenticate {
  if (!tokens) {
    const anyone: Caller = { token: "needless", scopes: new Set(allScopes) };
    return async (request, mutates) => {
      if (mutates) refuseCrossSite(request);
      return anyone;
    };
  }
  const identify = identifier(tokens);
  return async (request, mutates) => {
    const session = hasBearer(request) ? undefined : await sessions?.callerOf(request, mutates);
    return session ?? identify(bearerOf(request));
  };
}

/** Whether the request has a bearer token, valid or not. Other schemes are for somebody else, such as a proxy. */
export function hasBearer({ headers }: Request): boolean {
  return /^bearer(\s|$)/i.test(headers.get("authorization") ?? "");
}

export function bearerOf({ headers }: Request): string | undefined {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(headers.get("authorization") ?? "")?.[1];
}

export function identifier(tokens: readonly KnownToken[]): (token: string | undefined) => Promise<Caller> {
  // Holds the digests, not a promise of them: workerd refuses to await a promise that another request made.
  let known: readonly { readonly digest: Uint8Array; readonly caller: Caller }[] | undefined;
  return async (token) => {
    if (!token) return { token: "missing", scopes: new Set() };
    known ??= await Promise.all(
      tokens.map(async ({ token, limits, ...shown }) => ({
        digest: await sha256(token),
        caller: { token: "known", ...shown, limits: limits && (await limitedCaller(token, limits)) } as const,
      })),
    );
    const digest = await sha256(token);
    const matches = known.map((each) => isEqual(each.digest, digest));
    return known.find((_, index) => matches[index])?.caller ?? { token: "unknown", scopes: new Set() };
  };
}

/**
 * Identifies a caller by a watch token, in the header or, for an `EventSource`, in the query. Undefined if the request
 * has another token, or none. No message has the token.
 */
export async function watcherOf(request: Request, queue: Queue | undefined, id: string): Promise<Caller | undefined> {
  const inQuery = new URL(request.url).searchParams.get("token");
  const token = inQuery ?? bearerOf(request);
  if (!isWatchToken(token)) {
    if (inQuery === null) return undefined;
    throw unauthorized(
      "Only a token of queue.watchToken may be in the URL. Send another one as Authorization: Bearer.",
    );
  }
  const claims = queue && (await internalsOf(queue).watchTokens.read(token));
  if (!claims) throw unauthorized("The watch token is not valid: it was changed, or signed with another watchSecret.");
  if (claims.expiresAt <= queue.clock())
    throw unauthorized("The watch token has expired. Sign another with queue.watchToken.");
  if (claims.queue !== queue.name || claims.id !== id) throw forbidden("The watch token is for another job.");
  return { token: "known", scopes: new Set(), watches: claims };
}

const unauthorized = (message: string) => new TidegateError("unauthorized", message);

/** The scopes that open a route, any one of them: its own, "read" if it only reads, and "admin". */
export function scopesOf(
  route: Readonly<{ method: string; scope: Scope | "anyone"; mutates?: boolean }>,
): readonly Scope[] {
  const { method, scope, mutates } = route;
  if (scope === "anyone") return allScopes;
  return [...new Set<Scope>([scope, ...(method === "GET" && !mutates ? ["read" as const] : []), "admin"])];
}

export function hasScope({ scopes }: Pick<Caller, "scopes">, sufficient: readonly Scope[]): boolean {
  return sufficient.some((scope) => scopes.has(scope));
}

/** Why a request is refused before its scopes are looked at. */
const refusals: Readonly<Record<Caller["token"], string | undefined>> = {
  missing: "Send the header Authorization: Bearer <token>.",
  unknown: "The token is not valid.",
  known: undefined,
  needless: undefined,
};

export function requireScope({ token, scopes }: Caller, sufficient: readonly Scope[], what = "This"): void {
  const refusal = refusals[token];
  if (refusal) throw unauthorized(refusal);
  if (!hasScope({ scopes }, sufficient))
    throw forbidden(`${what} needs a token with the scope "${sufficient.join('" or "')}".`);
}

/**
 * Refuses requests that another site's page made a browser send. Browsers mark them with headers that pages cannot
 * change. Other programs send none of these headers, so they pass.
 */
export function refuseCrossSite(request: Request): void {
  const { headers, url } = request;
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  const isOwn =
    site !== null
      ? /^(same-origin|none)$/.test(site)
      : origin !== null
        ? hostOf(origin) === new URL(url).host
        : !isUnmarked(request);
  if (!isOwn) throw forbidden("Cross-site requests cannot change anything.");
}

/**
 * Whether a browser sent this GET without naming the site, as browsers do over plain HTTP to hosts other than
 * localhost. Every browser sends the headers checked here, and no page can remove them.
 */
function isUnmarked({ method, headers }: Request): boolean {
  const isBrowser = headers.has("accept-language") && /^Mozilla\//.test(headers.get("user-agent") ?? "");
  return (method === "GET" || method === "HEAD") && isBrowser;
}

// Compares the host only: behind a proxy that ends TLS, the scheme differs.
function hostOf(origin: string): string | undefined {
  return /^https?:\/\/(.+)$/.exec(origin)?.[1];
}

/** @returns undefined for "none". @param jobNames as in `readLimits`. */
export function readTokens(
  auth: Tokens | "none",
  jobNames?: ReadonlySet<string> | undefined,
): readonly KnownToken[] | undefined {
  if (auth === "none") return undefined;
  const given = knownOptions(auth ?? {}, allScopes, "auth");
  const known = new Map<string, KnownToken>();
  for (const scope of allScopes)
    for (const [index, entry] of entriesOf(given, scope).entries()) {
      const read = readToken(entry, scope, `auth.${scope}[${index}]`, jobNames);
      const before = known.get(read.token);
      if (before && (before.limits || read.limits))
        throw invalidRequest(
          `auth.${scope}[${index}] is listed before. A token with jobs may stand only once, since it does nothing else.`,
        );
      if (before?.name && read.name && before.name !== read.name)
        throw invalidRequest(`auth.${scope}[${index}] is listed before under another name. Give each holder a token.`);
      known.set(read.token, {
        ...read,
        name: read.name ?? before?.name,
        scopes: new Set([...(before?.scopes ?? []), scope]),
      });
    }
  if (known.size > 0) return [...known.values()];
  throw invalidRequest(
    'auth needs at least one token, as in { admin: [token] }. For local runs, auth: "none" lets anyone in.',
  );
}

export function withToken(auth: Tokens, scope: Scope, token: string, source: string): Tokens {
  const given = knownOptions(auth, allScopes, "auth");
  if (!tokenPattern.test(token)) throw invalidRequest(`${source} must be ${A_TOKEN}.`);
  return { ...given, [scope]: [...entriesOf(given, scope), token] };
}

function entriesOf(auth: Tokens, scope: Scope): readonly unknown[] {
  const ofScope: unknown = auth?.[scope] ?? [];
  if (!Array.isArray(ofScope)) throw invalidRequest(`auth.${scope} must be an array of tokens.`);
  return ofScope;
}

function readToken(
  entry: unknown,
  scope: Scope,
  at: string,
  jobNames: ReadonlySet<string> | undefined,
): Omit<KnownToken, "scopes"> {
  if (!isObject(entry)) return { token: checkToken(entry, at) };
  const token = checkToken(entry["token"], `${at}.token`);
  if (scope === "enqueue") return { token, limits: readLimits(entry, at, jobNames) };
  const { name } = knownOptions(entry, ["token", "name"], at);
  return { token, name: tokenName(name, `${at}.name`) };
}

const LOCALLY = "wrangler dev reads .dev.vars when it starts, next dev .env.local.";

export function checkToken(token: unknown, name: string): string {
  if (typeof token !== "string" || !tokenPattern.test(token))
    throw invalidRequest(`${name} must be ${A_TOKEN}. Is its environment variable set? ${LOCALLY}`);
  return token;
}

// All digests have one length and are compared to the end, which hides where a guess is wrong and how long a token is.
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  a.forEach((byte, index) => {
    difference |= byte ^ (b[index] ?? 0);
  });
  return difference === 0;
}
