import fc from "fast-check";
import { shown } from "../../src/testing/differences.ts";
import { type Answered, OpenApi } from "../api-examples/openapi.ts";
import { requestOf } from "../api-examples/requests.ts";
import { apiWorld } from "../api-examples/world.ts";
import { type Drawn, known, requestsFrom } from "./api-requests.ts";
import { clockByHand, start } from "./clock.ts";
import { everythingIn } from "./queue-contents.ts";

const base = "https://queue.test";
/** The number of requests to one world. */
const TOGETHER = 5;
/** These take milliseconds: after this time, one hangs, however busy the machine is. */
const HANGS_MS = 100_000;

export interface SoakOptions {
  /** The minimum number of requests. */
  readonly requests: number;
  /** The seed. Default: that of all random tests. */
  readonly seed?: number;
}

/** The number of requests, by the status of their answer. */
export type SoakReport = Readonly<Record<number, number>>;

/**
 * Sends requests that are generated from the document of a handler to that handler, on a memory store, and checks each
 * answer against the promises: it is as the document says, and not a failure; a request that fits the document is
 * accepted, and one that does not fit is refused; a refused request and a read change nothing.
 *
 * @throws if a promise is broken; the message has the shortest sequence of requests found to break it.
 */
export async function soak({ requests, ...options }: SoakOptions): Promise<SoakReport> {
  const { fetch } = await apiWorld();
  const api = new OpenApi(await (await fetch(new Request(`${base}/openapi.json`))).json());
  const report: Record<number, number> = {};
  const row = fc.array(fc.tuple(fc.constantFrom(0, 0, 1_000, 600_000), requestsFrom(api)), {
    minLength: TOGETHER,
    maxLength: TOGETHER,
  });
  const property = fc.asyncProperty(row, async (drawn) => {
    const clock = clockByHand(start);
    // Streams end after their first event.
    const world = await apiWorld({ clock, handler: { watchLimits: { maxDuration: 0 } } });
    const look = async () => JSON.stringify(await everythingIn(world.store.open("default"), clock.now, { limit: 100 }));
    for (const [elapsed, request] of drawn) {
      clock.now += elapsed;
      const before = await look();
      const response = await world.fetch(written(request));
      const answered = { status: response.status, headers: response.headers, text: await response.text() };
      const fault =
        api.breach(request.operation, answered) ??
        (isForEach(request, answered) ? brokenForEach(api, request, answered) : broken(api, request, answered.status));
      if (fault) throw new Error(fault);
      const isRead = request.operation.method === "GET" && !request.operation.operationId.startsWith("drain");
      if ((isRead || answered.status >= 400) && (await look()) !== before)
        throw new Error(`${answered.status}, and yet something was changed`);
      report[answered.status] = (report[answered.status] ?? 0) + 1;
    }
  });
  await fc.assert(property, { numRuns: Math.ceil(requests / TOGETHER), timeout: HANGS_MS, ...options });
  return report;
}

function written({ operation, path, query, body, token }: Drawn): Request {
  const { url } = requestOf(operation, { path }, base);
  return new Request(`${url}?${new URLSearchParams(query.map(([name, text]) => [name, text]))}`, {
    method: operation.method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body }),
  });
}

/** Whether each item of the body gets its own answer. */
function isForEach({ query, body = "{}" }: Drawn, { status }: Answered): boolean {
  const isAsked = query.some(([name, text]) => name === "each" && text === "true");
  return status === 200 && isAsked && Array.isArray(parsed(body));
}

/** How the answer to one job of several contradicts the document, as if that job were sent alone. */
function brokenForEach(api: OpenApi, drawn: Drawn, { text }: Answered): string | undefined {
  const operation = { ...drawn.operation, body: api.document.components.schemas["NewJob"] };
  const items = parsed(drawn.body ?? "") as readonly unknown[];
  const answers: readonly { readonly error?: { readonly status: number } }[] = JSON.parse(text).jobs;
  return items
    .map((item, index) => {
      const alone = { ...drawn, operation, query: [], body: JSON.stringify(item) };
      return broken(api, alone, answers[index]?.error?.status ?? 200);
    })
    .find((fault) => fault !== undefined);
}

/** How a status contradicts the document; undefined if it does not. */
function broken(api: OpenApi, drawn: Drawn, status: number): string | undefined {
  if (status >= 500) return `${status}: the handler failed`;
  const misfit = misfitOf(api, drawn);
  if (status < 400 && misfit) return `${status}, though it does not fit: ${misfit}`;
  const isRefused = status === 400 && !misfit && isPlain(drawn);
  return isRefused ? `${status}, though it fits` : undefined;
}

/** How a request differs from what the document requires. */
function misfitOf(api: OpenApi, { operation, query, body = "{}" }: Drawn): string | undefined {
  const parameters = operation.parameters.filter((each) => each.in === "query");
  const absent = parameters.find(({ name, required }) => required && !query.some(([given]) => given === name));
  if (absent) return `${absent.name} is missing`;
  for (const [name, text] of query) {
    const schema = parameters.find((each) => each.name === name)?.schema;
    if (!schema) return `there is no parameter ${name}`;
    const isNumber = /^\d+(\.\d+)?$/.test(text);
    const isFlag = text === "true" || text === "false";
    const readings = [text, ...(isNumber ? [Number(text)] : []), ...(isFlag ? [text === "true"] : [])];
    if (!readings.some((value) => api.misfit(schema, value) === undefined)) return `${name}=${shown(text)}`;
  }
  const value = parsed(body);
  return operation.body && (value === undefined ? "no JSON" : api.misfit(operation.body, value));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Fields whose valid values the document cannot describe, and parameters that exclude or need others. */
const opaque = new Set(["name", "cron", "timeZone", "cursor", "period", "flowControl", "search", "in", "each"]);

/** Whether the document can judge a request: no name that no job has, and nothing that I-JSON cannot carry. */
function isPlain({ query, body = "{}" }: Drawn): boolean {
  const isMeant = (field: string, value: unknown) => !opaque.has(field) || known[field]?.includes(value) === true;
  const isFine = (value: unknown): boolean => {
    if (typeof value === "string") return value.isWellFormed();
    if (typeof value !== "object" || value === null) return true;
    return Object.entries(value).every(
      ([field, each]) => field !== "__proto__" && isMeant(field, each) && isFine(each),
    );
  };
  return query.every(([name, text]) => isMeant(name, text)) && isFine(parsed(body));
}
