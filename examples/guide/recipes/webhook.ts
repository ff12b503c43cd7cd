import { Hono } from "hono";
import { defineJob, type Queue } from "tidegate";
import { storeRow } from "../services.ts";

interface GitHubEvent {
  readonly event: string;
  readonly data: unknown;
}

export const onGitHub = defineJob({
  name: "on_github",
  async perform({ event }: GitHubEvent, job) {
    await storeRow(job.id, event);
  },
});

// #region route
export const webhooks = (queue: Queue, secret: string) =>
  new Hono().post("/webhooks/github", async ({ req, body }) => {
    const bytes = await req.arrayBuffer(); // what was signed: verify first, parse later
    if (!(await isSigned(bytes, req.header("X-Hub-Signature-256"), secret))) return body(null, 401);
    const delivery = req.header("X-GitHub-Delivery");
    if (!delivery) return body(null, 400);
    const data: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const event = req.header("X-GitHub-Event") ?? "";
    await queue.enqueue(onGitHub, { event, data }, { id: `github-${delivery}` });
    return body(null, 202);
  });

export async function isSigned(bytes: ArrayBuffer, signature = "", secret: string): Promise<boolean> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), algorithm, false, ["verify"]);
  const hex = signature.replace("sha256=", "").match(/../g) ?? [];
  const expected = Uint8Array.from(hex, (byte) => Number.parseInt(byte, 16));
  return crypto.subtle.verify("HMAC", key, expected, bytes); // takes constant time
}
// #endregion
