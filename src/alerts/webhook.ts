import { fromBase64, sign, signingKey, toBase64 } from "../core/shared/bytes.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import type { AlertMessage } from "./message.ts";
import type { AlertRequest, Sending } from "./target.ts";

const PREFIX = "whsec_";
const FEWEST_BYTES = 24;
const MOST_BYTES = 64;

/** The keys of secrets as the scheme Standard Webhooks writes them. @throws {TidegateError} `invalid_request` */
export function keysOf(secrets: unknown): readonly Uint8Array<ArrayBuffer>[] {
  const all: readonly unknown[] = Array.isArray(secrets) ? secrets : [secrets];
  const keys = all.map(keyOf);
  if (keys.length === 0) throw invalidRequest("webhook: secret must not be an empty array.");
  return keys;
}

function keyOf(secret: unknown): Uint8Array<ArrayBuffer> {
  const key =
    typeof secret === "string" && secret.startsWith(PREFIX) ? fromBase64(secret.slice(PREFIX.length)) : undefined;
  if (!key || key.length < FEWEST_BYTES || key.length > MOST_BYTES)
    throw invalidRequest(
      `webhook: secret must be "${PREFIX}" followed by ${FEWEST_BYTES} to ${MOST_BYTES} random bytes in base64, as from: openssl rand -base64 32`,
    );
  return key;
}

/** A request signed by the scheme Standard Webhooks (https://www.standardwebhooks.com), once with each key. */
export async function webhookRequest(
  message: AlertMessage,
  { id, now }: Sending,
  keys: readonly Uint8Array<ArrayBuffer>[],
): Promise<AlertRequest> {
  const body = JSON.stringify(message);
  const timestamp = String(Math.floor(now / 1_000));
  const signed = await Promise.all(keys.map(async (key) => sign(await signingKey(key), `${id}.${timestamp}.${body}`)));
  const headers = {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signed.map((bytes) => `v1,${toBase64(bytes)}`).join(" "),
  };
  return { headers, body };
}
