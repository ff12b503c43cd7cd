import { Client as QStashClient, Receiver } from "@upstash/qstash";
import { Client } from "@upstash/workflow";
import { serveMany } from "@upstash/workflow/cloudflare";
import type { Queue } from "../../src/index.ts";
import { type Delivery, type Parts, servedQStash, signingKeys } from "./served-qstash.ts";

const base = "https://app.test/workflows";

/** A token as QStash makes them. The SDK reads the user's id from it for the addresses of webhooks. */
export const token = btoa(JSON.stringify({ UserID: "defaultUser", Password: "defaultPassword" }));

/** The address of a workflow. */
export const workflowUrl = (name: string) => `${base}/${name}`;

/** The receiver of the SDK. Its clock is the machine's, and the queue's is moved by hand. */
class PatientReceiver extends Receiver {
  override verify(request: Parameters<Receiver["verify"]>[0]): Promise<boolean> {
    return super.verify({ ...request, clockTolerance: Number.MAX_SAFE_INTEGER / 1e6 });
  }
}

interface WorkflowParts extends Omit<Parts, "destination"> {
  /** What other destinations answer. Default: 200. */
  readonly elsewhere?: (delivery: Delivery) => Response | Promise<Response>;
  /** Stands between the queue and the workflows. */
  readonly between?: (delivery: Delivery, deliver: () => Promise<Response>) => Promise<Response>;
  /** Sends the requests of the SDK. */
  readonly fetch?: typeof fetch;
}

/** Workflows that the SDK serves, and its client, against QStash's interface on a clock that is moved by hand. */
export async function servedWorkflows(
  workflows: Parameters<typeof serveMany>[0],
  { elsewhere, between = (_, deliver) => deliver(), ...parts }: WorkflowParts = {},
) {
  const handler: { fetch?: ReturnType<typeof serveMany>["fetch"] } = {};
  const destination = (delivery: Delivery): Response | Promise<Response> => {
    const { url, method, headers, body } = delivery;
    const { fetch } = handler;
    if (!fetch || !url.startsWith(`${base}/`)) return elsewhere ? elsewhere(delivery) : new Response("fine");
    return between(delivery, () => fetch(new Request(url, { method, headers, body }), {}));
  };
  const served = await servedQStash({ ...parts, destination, qstash: { tokens: [token, "the-qstash-token"] } });
  const qstashClient = new QStashClient({ baseUrl: served.baseUrl, token, retry: false });
  const receiver = new PatientReceiver({ currentSigningKey: signingKeys.current, nextSigningKey: signingKeys.next });
  handler.fetch = serveMany(workflows, { qstashClient, receiver }).fetch;
  const workflow = new Client({ baseUrl: served.baseUrl, token, retry: false });
  return { ...served, workflow, settle: () => settle(served.queue) };
}

/** More than a drain has by default: what it has no room for waits a second. */
const budget = { roundTrips: 1_000, commands: 10_000 };

/** Drains until nothing is due any more. */
async function settle(queue: Queue): Promise<void> {
  for (let idle = 0; idle < 2; ) idle = (await queue.drain({ budget })).claimed === 0 ? idle + 1 : 0;
}
