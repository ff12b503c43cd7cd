type Bytes = Uint8Array<ArrayBuffer>;

const bytesOf = (value: string | Bytes) => (typeof value === "string" ? new TextEncoder().encode(value) : value);

/** The SHA-256 hash of bytes, or of a text as UTF-8. */
export async function sha256(value: string | Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(value)));
}

/** Makes a key that signs with HMAC-SHA-256. */
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
