import { Client, Receiver } from "@upstash/qstash";

// #region publish
export async function sendEmail(baseUrl: string, token: string) {
  const client = new Client({ baseUrl, token });
  return client.publishJSON({
    url: "https://app.example.com/api/send-email",
    body: { to: "ada@example.com", subject: "Hello" },
    delay: "5m",
  });
}
// #endregion

// #region receive
export async function receive(request: Request, currentSigningKey: string, nextSigningKey: string) {
  const receiver = new Receiver({ currentSigningKey, nextSigningKey });
  const body = await request.text();
  const signature = request.headers.get("Upstash-Signature") ?? "";
  const isValid = await receiver.verify({ signature, body, url: request.url }).catch(() => false);
  return isValid ? Response.json({ received: JSON.parse(body) }) : new Response("Unauthorized", { status: 401 });
}
// #endregion
