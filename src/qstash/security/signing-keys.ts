import { sha256, sign, signingKey, toBase64Url, utf8 } from "../../core/shared/bytes.ts";
import { OutOfBudgetError } from "../../core/store/meter.ts";
import type { Documents } from "../shared/documents.ts";

export interface SigningKeys {
  readonly current: string;
  /** Becomes `current` with the next rotation. Receivers already accept it. */
  readonly next: string;
}

const KIND = "qstash";
const NAME = "signing-keys";

/** How long an isolate uses the keys that it has read. */
const KNOWN_FOR_MS = 60_000;

/** The signing keys: those that the queue keeps since the last rotation, else the given ones. */
export class KeyRing {
  readonly #given: SigningKeys;
  /** The last keys read, by queue name. */
  readonly #known = new Map<string, { readonly keys: SigningKeys; readonly until: number }>();

  constructor(given: SigningKeys) {
    this.#given = given;
  }

  async read(documents: Documents): Promise<SigningKeys> {
    return (await documents.get<SigningKeys>(KIND, NAME))?.value ?? this.#given;
  }

  /** The keys, read at most once a minute. Receivers accept both the old and the new `current` after a rotation. */
  async recent(documents: Documents, queue: string, now: number): Promise<SigningKeys> {
    const known = this.#known.get(queue);
    if (known && now < known.until) return known.keys;
    try {
      const keys = await this.read(documents);
      this.#known.set(queue, { keys, until: now + KNOWN_FOR_MS });
      return keys;
    } catch (error) {
      if (known) return known.keys;
      // A drain with the smallest budget never has room for this read.
      if (error instanceof OutOfBudgetError) return this.#given;
      throw error;
    }
  }

  async rotate(documents: Documents): Promise<SigningKeys> {
    const next = toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
    const keys = await documents.update<SigningKeys>(KIND, NAME, (before = this.#given) => ({
      value: { current: before.next, next },
    }));
    this.#known.clear();
    return keys ?? this.#given;
  }
}

const VALID_FOR_S = 300;
const header = toBase64Url(utf8(JSON.stringify({ alg: "HS256", typ: "JWT" })));

/** Makes the `Upstash-Signature` of a delivery: an HS256 JWT with the URL and the hash of the body. */
export async function signatureOf(
  { url, body, now }: { readonly url: string; readonly body: Uint8Array<ArrayBuffer>; readonly now: number },
  key: string,
): Promise<string> {
  const issuedAt = Math.floor(now / 1_000);
  const claims = {
    iss: "Upstash",
    sub: url,
    exp: issuedAt + VALID_FOR_S,
    nbf: issuedAt,
    iat: issuedAt,
    jti: `jwt_${crypto.randomUUID()}`,
    body: toBase64Url(await sha256(body)),
  };
  const text = `${header}.${toBase64Url(utf8(JSON.stringify(claims)))}`;
  return `${text}.${toBase64Url(await sign(await signingKey(key), text))}`;
}
