import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { InvalidPayloadError, isTidegateError } from "tidegate";

const statuses = { invalid_payload: 422, payload_too_large: 413, store_unavailable: 503 } as const;

export function onError(error: Error, context: Context) {
  if (isTidegateError(error) && error.code in statuses) {
    const issues = error instanceof InvalidPayloadError ? error.issues : undefined;
    return context.json({ error: error.message, issues }, statuses[error.code as keyof typeof statuses]);
  }
  if (error instanceof HTTPException) return error.getResponse(); // as Hono does without onError
  console.error(error);
  return context.text("Internal Server Error", 500);
}
