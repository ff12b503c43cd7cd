import { mail } from "../services.ts";
import { isFromQStash } from "./signature.ts";

export interface QStash {
  /** https://qstash.upstash.io, or what QSTASH_URL says. */
  readonly url: string;
  readonly token: string;
  readonly signingKey: string;
}

export async function enqueue({ url, token }: QStash) {
  // #region enqueue
  const answer = await fetch(`${url}/v2/publish/https://example.com/api/send-email`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      "Upstash-Delay": "5m",
      "Upstash-Retries": "3",
      "Upstash-Deduplication-Id": "hello-ada",
    },
    body: JSON.stringify({ to: "ada@example.com", subject: "Hello" }),
  });
  const { messageId, deduplicated = false } = (await answer.json()) as { messageId: string; deduplicated?: boolean };
  // #endregion
  return { messageId, deduplicated };
}

// #region receive
/** The route file of /api/send-email. */
export const POST = async (request: Request, { signingKey }: QStash) => {
  const body = await request.text();
  if (!(await isFromQStash(request, body, signingKey))) return new Response("Unauthorized", { status: 401 });
  const { to, subject } = JSON.parse(body) as { to: string; subject: string };
  if (!to.includes("@")) {
    return new Response("This is no address.", { status: 489, headers: { "Upstash-NonRetryable-Error": "true" } });
  }
  await mail(to, subject, { key: request.headers.get("Upstash-Message-Id") ?? "" });
  return new Response(); // any status but 2xx makes QStash retry
};
// #endregion

export async function recur({ url, token }: QStash) {
  // #region recur
  await fetch(`${url}/v2/schedules/https://example.com/api/send-email`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      "Upstash-Cron": "CRON_TZ=Europe/Paris 0 9 * * *",
    },
    body: JSON.stringify({ to: "team@example.com", subject: "Good morning" }),
  });
  // #endregion
}
