import { sha256 } from "../../core/shared/bytes.ts";
import { toBase64Url } from "../shared/base64.ts";

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
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const secret = await crypto.subtle.importKey("raw", encoder.encode(key), algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", secret, encoder.encode(text));
  return `${text}.${toBase64Url(new Uint8Array(signature))}`;
}

function textToBase64Url(text: string): string {
  return toBase64Url(encoder.encode(text));
}
