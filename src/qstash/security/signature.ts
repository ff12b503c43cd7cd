import { sha256, sign, signingKey, toBase64Url } from "../../core/shared/bytes.ts";

const VALID_FOR_S = 300;

const encoder = new TextEncoder();
const header = textToBase64Url(JSON.stringify({ alg: "HS256", typ: "JWT" }));

export interface Signed {
  readonly url: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** ms since 1970 */
  readonly now: number;
}

/** Makes the `Upstash-Signature` of a delivery: an HS256 JWT with the URL and the hash of the body. */
export async function signatureOf({ url, body, now }: Signed, key: string): Promise<string> {
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
  const text = `${header}.${textToBase64Url(JSON.stringify(claims))}`;
  return `${text}.${toBase64Url(await sign(await signingKey(key), text))}`;
}

function textToBase64Url(text: string): string {
  return toBase64Url(encoder.encode(text));
}
