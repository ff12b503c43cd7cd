type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

export const utf8 = (text: string): Bytes => encoder.encode(text);

const bytesOf = (value: string | Bytes) => (typeof value === "string" ? utf8(value) : value);

export async function sha256(value: string | Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(value)));
}

/** The SHA-1 hash of a text, in hexadecimal: how Redis knows a script. */
export async function sha1Hex(text: string): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-1", bytesOf(text))));
}

export async function signingKey(secret: string | Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytesOf(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

export async function sign(key: CryptoKey, text: string): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytesOf(text)));
}

/** Whether the text was signed with the key. Takes constant time. */
export async function isSigned(key: CryptoKey, text: string, signature: Bytes): Promise<boolean> {
  return crypto.subtle.verify("HMAC", key, signature, bytesOf(text));
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const digits = utf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const PADDING = 61;

export function toBase64(bytes: Uint8Array): string {
  // Ten times as fast as btoa in Node 20, which takes a string.
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PADDING);
  for (let at = 0, to = 0; at < bytes.length; at += 3, to += 4) {
    const [first, second, third] = [bytes[at] as number, bytes[at + 1], bytes[at + 2]];
    text[to] = digits[first >> 2] as number;
    text[to + 1] = digits[((first & 3) << 4) | ((second ?? 0) >> 4)] as number;
    if (second !== undefined) text[to + 2] = digits[((second & 15) << 2) | ((third ?? 0) >> 6)] as number;
    if (third !== undefined) text[to + 3] = digits[third & 63] as number;
  }
  return new TextDecoder().decode(text);
}

/** Base64url without padding, as in JSON Web Tokens. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Decodes base64; undefined if the text is invalid. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const characters = atob(text);
    // Ten times as fast as Uint8Array.from with a function.
    const bytes = new Uint8Array(characters.length);
    for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
    return bytes;
  } catch {
    return undefined;
  }
}
