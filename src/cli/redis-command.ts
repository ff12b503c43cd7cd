import type { Io } from "./io.ts";

/** Redis's reply to a command, or the reason why there is none. */
export type RedisReply = { readonly result: unknown } | { readonly error: string; readonly status: number | undefined };

/** Sends one command to a Redis over Upstash's REST API, for questions that the store cannot answer. Never rejects. */
export async function sendRedisCommand(
  { url, token }: { readonly url: string; readonly token: string },
  command: readonly string[],
  io: Io,
): Promise<RedisReply> {
  const send = io.fetch ?? ((request: Request) => fetch(request));
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  let status: number | undefined;
  try {
    const body = JSON.stringify(command);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await send(new Request(url, { method: "POST", headers, body, redirect: "manual", signal }));
    status = response.status;
    const reply = (await response.json()) as { result?: unknown; error?: unknown };
    return typeof reply.error === "string" ? { error: reply.error, status } : { result: reply.result };
  } catch {
    return { error: "no answer", status };
  }
}

/** The same time limit as the store's. */
const TIMEOUT_MS = 10_000;
