/**
 * Checks the JSON Web Token that QStash sends along: signed with HMAC-SHA-256, not yet expired, and made for this body.
 * The package @upstash/qstash also accepts the next key while keys rotate.
 */
export async function isFromQStash(request: Request, body: string, signingKey: string): Promise<boolean> {
  const [head = "", claims = "", signature = ""] = (request.headers.get("Upstash-Signature") ?? "").split(".");
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(signingKey), algorithm, false, ["verify"]);
  const signed = encoder.encode(`${head}.${claims}`);
  if (!(await crypto.subtle.verify("HMAC", key, bytesOf(signature), signed))) return false;
  const { exp, body: digest } = JSON.parse(new TextDecoder().decode(bytesOf(claims))) as { exp: number; body: string };
  const expected = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(body)));
  return exp * 1_000 > Date.now() && bytesOf(digest).join() === expected.join();
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
