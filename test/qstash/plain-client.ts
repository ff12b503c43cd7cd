/** An answer of the interface. */
interface Published {
  readonly messageId: string;
  readonly url?: string;
  readonly deduplicated?: boolean;
}

interface ShownMessage {
  readonly messageId: string;
  readonly dlqId: string;
  readonly label?: string;
  readonly [field: string]: unknown;
}

interface ScheduleRequest extends Omit<PublishRequest, "url"> {
  readonly destination: string;
  readonly cron: string;
  readonly scheduleId?: string;
}

interface ShownSchedule {
  readonly scheduleId: string;
  readonly [field: string]: unknown;
}

interface PublishRequest {
  readonly url: string;
  readonly body?: string | Blob;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly delay?: number;
  readonly notBefore?: number;
  readonly retries?: number;
  readonly retryDelay?: string;
  readonly timeout?: number;
  readonly deduplicationId?: string;
  readonly contentBasedDeduplication?: boolean;
  readonly label?: string | readonly string[];
  readonly callback?: string;
  readonly failureCallback?: string;
}

type JsonRequest = Omit<PublishRequest, "body"> & { readonly body?: unknown };
type Selection =
  | string
  | readonly string[]
  | { readonly all: true }
  | { readonly filter: Readonly<Record<string, unknown>> };

/** A refusal. */
export class RefusedError extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** A client that sends the requests that the SDK of QStash sends, under the same names. */
export function plainClient(baseUrl: string, token: string) {
  const send = async (method: string, path: string, init: Omit<RequestInit, "method"> = {}) => {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${token}`);
    const response = await fetch(`${baseUrl}/v2/${path}`, { ...init, method, headers });
    if (!response.ok) throw new RefusedError(await response.text(), response.status);
    return response.json();
  };
  const publish = ({ url, body, ...request }: PublishRequest): Promise<Published> =>
    send("POST", `publish/${url}`, { headers: headersOf(request), ...(body !== undefined && { body }) });
  const batch = (requests: readonly PublishRequest[]): Promise<readonly Published[]> => {
    const entries = requests.map(({ url, body, ...request }) => ({
      destination: url,
      headers: headersOf(request),
      body,
    }));
    return send("POST", "batch", { body: JSON.stringify(entries) });
  };
  const inBulk = (method: string, path: string, ids: string, selection: Selection) =>
    send(method, `${path}?${queryOf(selection, ids)}`);
  return {
    publish,
    publishJSON: (request: JsonRequest) => publish(asJson(request)),
    batch,
    batchJSON: (requests: readonly JsonRequest[]) => batch(requests.map(asJson)),
    schedules: {
      create: ({
        destination,
        cron,
        scheduleId,
        body,
        ...request
      }: ScheduleRequest): Promise<{ scheduleId: string }> => {
        const headers = {
          ...headersOf({ ...request, headers: { "Content-Type": "application/json", ...request.headers } }),
          ...{ "Upstash-Cron": cron, ...(scheduleId && { "Upstash-Schedule-Id": scheduleId }) },
        };
        return send("POST", `schedules/${destination}`, { headers, ...(body !== undefined && { body }) });
      },
      get: (id: string): Promise<ShownSchedule> => send("GET", `schedules/${id}`),
      list: (): Promise<readonly ShownSchedule[]> => send("GET", "schedules"),
      delete: (id: string): Promise<unknown> => send("DELETE", `schedules/${id}`),
      pause: ({ schedule }: { schedule: string }): Promise<unknown> => send("PATCH", `schedules/${schedule}/pause`),
      resume: ({ schedule }: { schedule: string }): Promise<unknown> => send("PATCH", `schedules/${schedule}/resume`),
    },
    messages: {
      get: (id: string): Promise<ShownMessage> => send("GET", `messages/${id}`),
      cancel: (selection: Selection): Promise<{ cancelled: number }> =>
        typeof selection === "string"
          ? send("DELETE", `messages/${selection}`)
          : inBulk("DELETE", "messages", "messageIds", selection),
    },
    dlq: {
      listMessages: (
        options: { count?: number; cursor?: string; filter?: object } = {},
      ): Promise<{ messages: readonly ShownMessage[]; cursor?: string }> => {
        const { filter, ...page } = options;
        return send("GET", `dlq?${parametersOf({ ...filter, ...page })}`);
      },
      retry: (selection: Selection): Promise<{ responses: readonly { messageId: string }[] }> =>
        inBulk("POST", "dlq/retry", "dlqIds", typeof selection === "string" ? [selection] : selection),
      delete: async (selection: Selection): Promise<{ deleted: number }> => {
        if (typeof selection !== "string") return inBulk("DELETE", "dlq", "dlqIds", selection);
        await send("DELETE", `dlq/${selection}`);
        return { deleted: 1 };
      },
    },
  };
}

function asJson({ body, headers, ...request }: JsonRequest): PublishRequest {
  return { ...request, body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } };
}

function headersOf({ headers = {}, ...options }: Omit<PublishRequest, "url" | "body">): Record<string, string> {
  const { delay, notBefore, retries, retryDelay, timeout, deduplicationId, contentBasedDeduplication, label } = options;
  const { callback, failureCallback } = options;
  const given = {
    "Upstash-Method": options.method ?? "POST",
    "Upstash-Delay": delay === undefined ? undefined : `${delay}s`,
    "Upstash-Not-Before": notBefore?.toFixed(0),
    "Upstash-Retries": retries?.toFixed(0),
    "Upstash-Retry-Delay": retryDelay,
    "Upstash-Timeout": timeout === undefined ? undefined : `${timeout}s`,
    "Upstash-Deduplication-Id": deduplicationId,
    "Upstash-Content-Based-Deduplication": contentBasedDeduplication ? "true" : undefined,
    "Upstash-Callback": callback,
    "Upstash-Failure-Callback": failureCallback,
    "Upstash-Label": label === undefined ? undefined : [label].flat().join(","),
  };
  const forwarded = Object.entries(headers).map(([name, value]) =>
    /^(content-type$|upstash-)/i.test(name) ? [name, value] : [`Upstash-Forward-${name}`, value],
  );
  return Object.fromEntries([...forwarded, ...Object.entries(given).filter(([, value]) => value !== undefined)]);
}

function queryOf(selection: Selection, ids: string): URLSearchParams {
  if (typeof selection === "string" || Array.isArray(selection)) return parametersOf({ [ids]: selection });
  const { filter = {} } = selection as { readonly filter?: object };
  return parametersOf({ ...filter, count: 100 });
}

function parametersOf(values: object): URLSearchParams {
  const entries = Object.entries(values).flatMap(([name, value]) => [value].flat().map((each) => [name, String(each)]));
  return new URLSearchParams(entries);
}
