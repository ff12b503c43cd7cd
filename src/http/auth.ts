import { invalidRequest, TidegateError } from "../core/errors.ts";

/** What a token may do: enqueue jobs and look at one, drain, or everything. */
export type Scope = "enqueue" | "drain" | "admin";

/**
 * The tokens that are taken, by scope. Each scope may have any number of them at once: to rotate one, add the new one, move
 * the callers over, and take the old one out. Use long random ones, such as `openssl rand -hex 32` prints.
 */
export type Tokens = { readonly [Name in Scope]?: readonly string[] };

/** Who sent a request. */
export interface Caller {
  readonly token: "known" | "unknown" | "missing";
  readonly scopes: ReadonlySet<Scope>;
}

const scopeNames: readonly Scope[] = ["enqueue", "drain", "admin"];

/** What a header can carry, and no more. */
const tokenPattern = /^[\x21-\x7e]{1,1000}$/;

/**
 * Makes the function that finds out who sent a request, by its `Authorization` header.
 *
 * @throws {TidegateError} `invalid_request` where there is no token at all, or one that no request can carry.
 */
export function authenticator(auth: Tokens | "none"): (header: string | undefined) => Promise<Caller> {
  if (auth === "none") {
    const anyone: Caller = { token: "known", scopes: new Set(scopeNames) };
    return async () => anyone;
  }
  const tokens = readTokens(auth);
  // The digests and not the promise of them: workerd refuses to wait for a promise that another request made.
  let known: readonly { readonly scope: Scope; readonly digest: Uint8Array }[] | undefined;
  return async (header) => {
    const token = header && /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
    if (!token) return { token: "missing", scopes: new Set() };
    known ??= await Promise.all(tokens.map(async ({ scope, token }) => ({ scope, digest: await digestOf(token) })));
    const digest = await digestOf(token);
    const scopes = new Set(known.filter((each) => isEqual(each.digest, digest)).map(({ scope }) => scope));
    return { token: scopes.size > 0 ? "known" : "unknown", scopes };
  };
}

/** Refuses a caller who lacks a scope. @throws {TidegateError} `unauthorized` or `forbidden` */
export function demand({ token, scopes }: Caller, scope: Scope): void {
  if (token === "missing") throw new TidegateError("unauthorized", "Send the header Authorization: Bearer <token>.");
  if (token === "unknown") throw new TidegateError("unauthorized", "The token is not one of those that are in use.");
  if (!scopes.has(scope) && !scopes.has("admin"))
    throw new TidegateError(
      "forbidden",
      `This needs a token with the scope "${scope === "admin" ? scope : `${scope}" or "admin`}".`,
    );
}

function readTokens(auth: Tokens): readonly { readonly scope: Scope; readonly token: string }[] {
  const unknown = Object.keys(auth ?? {}).find((scope) => !scopeNames.some((name) => name === scope));
  if (unknown !== undefined)
    throw invalidRequest(`auth has no scope "${unknown}". It knows: ${scopeNames.join(", ")}.`);
  const tokens = scopeNames.flatMap((scope) => {
    const ofScope: unknown = auth?.[scope] ?? [];
    if (!Array.isArray(ofScope)) throw invalidRequest(`auth.${scope} must be an array of tokens.`);
    return ofScope.map((token: unknown, index) => {
      if (typeof token !== "string" || !tokenPattern.test(token))
        throw invalidRequest(
          `auth.${scope}[${index}] must be a token of 1 to 1000 visible ASCII characters. Is its environment variable set?`,
        );
      return { scope, token };
    });
  });
  if (tokens.length > 0) return tokens;
  throw invalidRequest(
    'auth needs at least one token, as in { admin: [token] }. Say auth: "none" to let everybody in, which is for local runs.',
  );
}

// Comparing digests of equal length, byte for byte to the end, hides both where a guess goes wrong and how long tokens are.
async function digestOf(token: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  a.forEach((byte, index) => {
    difference |= byte ^ (b[index] ?? 0);
  });
  return difference === 0;
}
