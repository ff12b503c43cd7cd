// app/api/send-email/route.ts of a Next.js app, or any function that takes a Request.
import { Receiver } from "@upstash/qstash";

const receiver = new Receiver();

export async function POST(request: Request): Promise<Response> {
  const body = await request.text();
  const signature = request.headers.get("Upstash-Signature") ?? "";
  const isValid = await receiver.verify({ signature, body }).catch(() => false);
  if (!isValid) return new Response("Unauthorized", { status: 401 });
  const { to } = JSON.parse(body) as { readonly to: string };
  console.log(`Sending an email to ${to}`);
  return Response.json({ sent: true });
}
