import { hexOf, isSigned, sha256, sign, signingKey } from "../../core/shared/bytes.ts";
import type { Clock } from "../../core/shared/clock.ts";
import { forbidden } from "../../core/shared/errors.ts";
import { type Caller, type KnownToken, refuseCrossSite, type Scope, type SessionFinder } from "../auth.ts";

const COOKIE = "tidegate-session";
/** A change in a session needs this header. It proves that the page can read the session's data. */
const CSRF_HEADER = "tidegate-csrf";
const SUFFICIENT: readonly Scope[] = ["read", "admin"];

/** Browsers take a cookie of this name only over TLS, from the host itself, and for all of its paths. */
const SECURE_COOKIE = `__Host-${COOKIE}`;

interface Signer extends Pick<KnownToken, "name"> {
  readonly key: CryptoKey;
  readonly scopes: ReadonlySet<Scope>;
}

export interface Session extends Signer {
  /** The signed part of the cookie: when the session ends, and a random id. */
  readonly claim: string;
}

/** Sessions without storage: the key comes from the token, so a session allows what that allows, and ends with it. */
export class Sessions implements SessionFinder {
  readonly #tokens: readonly KnownToken[];
  readonly #lifeMs: number;
  readonly #clock: Clock;
  // Holds the keys, not a promise of them: workerd refuses to await a promise that another request made.
  #signers: ReadonlyMap<string, Signer> | undefined;

  constructor(tokens: readonly KnownToken[], lifeMs: number, clock: Clock) {
    this.#tokens = tokens.filter(({ scopes }) => SUFFICIENT.some((scope) => scopes.has(scope)));
    this.#lifeMs = lifeMs;
    this.#clock = clock;
  }

  /** Begins a session and returns its cookie. Undefined if the token does not allow one. */
  async begin(token: string, request: Request): Promise<string | undefined> {
    const signer = (await this.#prepare()).get(token);
    if (!signer) return undefined;
    const claim = `${this.#clock() + this.#lifeMs}.${crypto.randomUUID()}`;
    return cookie(request, `${claim}.${await signatureOf(signer, claim)}`, Math.floor(this.#lifeMs / 1_000));
  }

  async find(request: Request): Promise<Session | undefined> {
    const pattern = new RegExp(`(?:^|; *)${nameFor(request)}=((\\d{1,15})\\.[0-9a-f-]{36})\\.([0-9a-f]{64})`);
    const [, claim = "", end, signature = ""] = pattern.exec(request.headers.get("cookie") ?? "") ?? [];
    if (!(Number(end) > this.#clock())) return undefined;
    for (const signer of (await this.#prepare()).values())
      if (await isSignedBy(signer, claim, signature)) return { ...signer, claim };
    return undefined;
  }

  async callerOf(request: Request, mutates: boolean): Promise<Caller | undefined> {
    const session = await this.find(request);
    if (!session) return undefined;
    if (mutates) {
      refuseCrossSite(request);
      if (!(await isSignedBy(session, csrfClaim(session), request.headers.get(CSRF_HEADER) ?? "")))
        throw forbidden(`To change something in a session, send the header ${CSRF_HEADER}.`);
    }
    return { token: "known", scopes: session.scopes, name: session.name };
  }

  async #prepare(): Promise<ReadonlyMap<string, Signer>> {
    const prepare = async ({ token, ...shown }: KnownToken) => {
      const key = await signingKey(await sha256(`tidegate session ${token}`));
      return [token, { ...shown, key }] as const;
    };
    this.#signers ??= new Map(await Promise.all(this.#tokens.map(prepare)));
    return this.#signers;
  }
}

/** The header value that a change in this session must carry. */
export function csrfOf(session: Session): Promise<string> {
  return signatureOf(session, csrfClaim(session));
}

/** A cookie that makes the browser drop its session. */
export function forgotten(request: Request): string {
  return cookie(request, "", 0);
}

function cookie(request: Request, value: string, seconds: number): string {
  const suffix = cameSecurely(request) ? "; Secure" : "";
  return `${nameFor(request)}=${value}; Max-Age=${seconds}; Path=/; HttpOnly; SameSite=Strict${suffix}`;
}

function nameFor(request: Request): string {
  return cameSecurely(request) ? SECURE_COOKIE : COOKIE;
}

/** Whether the browser used TLS, to the handler or to the outermost proxy, which comes first in the header. */
function cameSecurely({ url, headers }: Request): boolean {
  return url.startsWith("https:") || /^\s*https\s*(,|$)/i.test(headers.get("x-forwarded-proto") ?? "");
}

const csrfClaim = ({ claim }: Session) => `csrf ${claim}`;

async function signatureOf({ key }: Signer, claim: string): Promise<string> {
  return hexOf(await sign(key, claim));
}

function isSignedBy({ key }: Signer, claim: string, signature: string): Promise<boolean> {
  const bytes = Uint8Array.from(signature.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return isSigned(key, claim, bytes);
}
