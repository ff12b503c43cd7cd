import { defineJob, type EnqueueResult, Queue } from "tidegate";
import { QueueClient } from "tidegate/client";
import { upstashStore } from "tidegate/upstash";

interface Env {
  readonly REDIS_URL: string;
  readonly REDIS_TOKEN: string;
  readonly HANDLER_URL: string;
  readonly CATALOG_URL: string;
}

type Enqueues = Readonly<Record<string, (n: number) => Promise<EnqueueResult>>>;

let opened: Enqueues | undefined;

/** What all requests to this isolate share, as they do a Worker's queue and client. */
function open({ REDIS_URL, REDIS_TOKEN, HANDLER_URL, CATALOG_URL }: Env): Enqueues {
  const validate = async (value: unknown) => {
    await fetch(CATALOG_URL);
    return { value };
  };
  const schema = { "~standard": { version: 1, vendor: "test", validate } } as const;
  const plain = defineJob({ name: "plain", perform: (_: number) => {} });
  const checked = defineJob({ name: "checked", schema, perform() {} });
  const store = upstashStore({ url: REDIS_URL, token: REDIS_TOKEN, prefix: "requests" });
  const queue = new Queue({ store, jobs: [plain, checked] });
  const client = new QueueClient({ url: HANDLER_URL });
  return {
    plain: (n) => queue.enqueue(plain, n),
    checked: (n) => queue.enqueue(checked, n),
    client: (n) => client.enqueue("plain", n),
  };
}

export default {
  /** Enqueues three jobs in one turn, in the way that the path names. */
  async fetch(request: Request, env: Env): Promise<Response> {
    opened ??= open(env);
    const enqueue = opened[new URL(request.url).pathname.slice(1)];
    if (!enqueue) return new Response("", { status: 404 });
    const results = await Promise.all([1, 2, 3].map(enqueue));
    return Response.json(results.map(({ status }) => status));
  },
};
