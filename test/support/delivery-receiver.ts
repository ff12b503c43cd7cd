import { Client, Receiver } from "@upstash/qstash";
import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow, serveMany } from "@upstash/workflow/cloudflare";
import { type HttpServer, serveFetch } from "./http-server.ts";

/** What a destination answers to a message: at once, after two failures, never, or that it wants no retry. */
export type Plan = "ok" | "flaky" | "dies" | "refuses";

/** The body of a message. */
export interface Numbered {
  readonly number: number;
  readonly plan: Plan;
}

/** One delivery, in the order in which they arrived. */
export interface Arrival extends Numbered {
  readonly messageId: string;
  readonly status: number;
}

/** One delivery of a callback. */
export interface ReportedEnd {
  readonly kind: "callback" | "failure";
  /** The id of the callback's own message. */
  readonly messageId: string;
  readonly sourceMessageId: string;
  readonly status: number;
}

/** What a run of the workflow saw and did. */
export interface RunBook {
  /** The values that each step made, each time that it ran. */
  readonly ran: ReadonlyMap<string, readonly string[]>;
  /** The results of each step that the workflow was given. More than one means that a result was lost. */
  readonly seen: ReadonlyMap<string, ReadonlySet<string>>;
  /** Steps that ran although their results were stored. */
  readonly ranAgain: readonly string[];
}

export interface DeliveryReceiver {
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  readonly ends: readonly ReportedEnd[];
  readonly books: RunBook;
  /** Requests whose signature the SDK's receiver verified, and those that it refused. */
  readonly signatures: { readonly right: number; readonly wrong: number };
  stop(): Promise<void>;
}

export interface ReceiverParts {
  /** Where the workflow sends its steps. */
  readonly baseUrl: string;
  readonly token: string;
  readonly keys: { readonly current: string; readonly next: string };
  /** Whether the result of a step is stored. */
  readonly isStored: (runId: string, step: string) => Promise<boolean>;
}

/** The queue's clock runs ahead of the machine's. */
const clockTolerance = Number.MAX_SAFE_INTEGER / 1e6;

/** Where events end the wait of a run. */
export const eventOf = (run: string) => `go-${run}`;

const isFailing: Readonly<Record<Plan, (times: number) => number>> = {
  ok: () => 200,
  flaky: (times) => (times < 2 ? 500 : 200),
  dies: () => 500,
  refuses: () => 489,
};

/**
 * A server that verifies each delivery with the receiver of QStash's SDK, notes it, and serves a workflow by the SDK.
 */
export async function startReceiver({ baseUrl, token, keys, isStored }: ReceiverParts): Promise<DeliveryReceiver> {
  const arrivals: Arrival[] = [];
  const ends: ReportedEnd[] = [];
  const signatures = { right: 0, wrong: 0 };
  const ran = new Map<string, string[]>();
  const seen = new Map<string, Set<string>>();
  const ranAgain: string[] = [];

  class NotingReceiver extends Receiver {
    override async verify(request: Parameters<Receiver["verify"]>[0]): Promise<boolean> {
      const isRight = await super.verify({ ...request, clockTolerance }).catch(() => false);
      signatures[isRight ? "right" : "wrong"]++;
      return isRight;
    }
  }
  const receiver = new NotingReceiver({ currentSigningKey: keys.current, nextSigningKey: keys.next });

  const answerMessage = (messageId: string, { number, plan }: Numbered): Response => {
    const status = isFailing[plan](arrivals.filter((arrival) => arrival.messageId === messageId).length);
    arrivals.push({ number, plan, messageId, status });
    return new Response("noted", { status, headers: status === 489 ? { "Upstash-NonRetryable-Error": "true" } : {} });
  };

  const step = async (context: WorkflowContext<unknown>, name: string) => {
    const key = `${context.workflowRunId}/${name}`;
    const value = await context.run(name, async () => {
      if (await isStored(context.workflowRunId, name)) ranAgain.push(key);
      const made = `${key}#${(ran.get(key) ?? []).length}`;
      ran.set(key, [...(ran.get(key) ?? []), made]);
      return made;
    });
    see(key, value);
  };
  const see = (key: string, value: unknown) => {
    seen.set(key, new Set([...(seen.get(key) ?? []), JSON.stringify(value)]));
  };

  const server: HttpServer = await serveFetch(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/workflows/")) return workflows.fetch(request, {});
    const body = await request.text();
    const signature = request.headers.get("Upstash-Signature") ?? "";
    if (!(await receiver.verify({ signature, body, url: request.url }))) return new Response("", { status: 401 });
    const messageId = request.headers.get("Upstash-Message-Id") ?? "";
    if (pathname === "/hook") return answerMessage(messageId, JSON.parse(body) as Numbered);
    if (pathname === "/callback" || pathname === "/failure") {
      const { sourceMessageId, status } = JSON.parse(body) as ReportedEnd;
      ends.push({ kind: pathname === "/failure" ? "failure" : "callback", messageId, sourceMessageId, status });
    }
    return new Response("called");
  });

  const invoked = createWorkflow(async (context: WorkflowContext<unknown>) => {
    await step(context, "inner");
    return "invoked";
  });
  const all = createWorkflow(async (context: WorkflowContext<unknown>) => {
    const { workflowRunId: run } = context;
    await step(context, "first");
    await Promise.all([step(context, "left"), step(context, "right"), context.sleep("sleep", 1)]);
    const call = await context.call("call", { url: `${server.url}/call`, retries: 400, retryDelay: "1000" });
    see(`${run}/call`, [call.status, call.body]);
    const { body: returned } = await context.invoke("invoke", { workflow: invoked, body: "", retries: 400 });
    see(`${run}/invoke`, returned);
    const { eventData, timeout } = await context.waitForEvent("wait", eventOf(run), { timeout: "2d" });
    see(`${run}/wait`, [eventData, timeout]);
    await step(context, "last");
    see(`${run}/end`, "reached");
  });
  const qstashClient = new Client({ baseUrl, token, retry: false });
  const workflows = serveMany({ all, invoked }, { qstashClient, receiver });
  return {
    url: server.url,
    arrivals,
    ends,
    books: { ran, seen, ranAgain },
    signatures,
    stop: () => server.stop(),
  };
}
