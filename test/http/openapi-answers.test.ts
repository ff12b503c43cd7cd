import { describe, expect, test } from "vitest";
import { OpenApi, type Operation } from "../../api-examples/openapi.ts";
import { type Case, casesOf, requestOf } from "../../api-examples/requests.ts";
import { apiWorld, tokens, type WorldOptions } from "../../api-examples/world.ts";
import { memoryStore } from "../../src/index.ts";
import { useRedis } from "../support/stores.ts";

const base = "https://queue.test";
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

interface Circumstances extends WorldOptions {
  /** The store does not answer. */
  readonly isAway?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

const { fetch: describeItself } = await apiWorld();
const api = new OpenApi(await (await describeItself(new Request(`${base}/openapi.json`))).json());
const operations = api.operations.map((operation) => [operation.operationId, operation] as const);

/** Sends a request to a new world, checks the answer against the document, and returns its status. */
async function ask(operation: Operation, each: Partial<Case>, circumstances: Circumstances = {}): Promise<number> {
  const { isAway, headers = bearer(tokens.admin), ...options } = circumstances;
  const { fetch, store } = await apiWorld({
    ...options,
    hasNewer: each.hasNewer === true,
    isCrowded: each.isCrowded === true,
  });
  if (isAway) store.plan("before");
  const response = await fetch(requestOf(operation, { ...each, headers: { ...headers, ...each.headers } }, base));
  const answered = { status: response.status, headers: response.headers, text: await response.text() };
  expect(api.breach(operation, answered)).toBeUndefined();
  return answered.status;
}

/** The scopes that allow an operation, from its description; none if it needs no token. */
function scopesOf({ description }: Operation): readonly string[] {
  return /Scope: (.*)\.$/.exec(description)?.[1]?.split(" or ") ?? [];
}

/** Sends each example request of the operation. */
async function askEach(operation: Operation, create = memoryStore): Promise<readonly number[]> {
  const seen: number[] = [];
  for (const each of casesOf(operation)) {
    const background: Promise<unknown>[] = [];
    const keep = { waitUntil: (work: Promise<unknown>) => void background.push(work) };
    const status = await ask(operation, each, { store: create(), handler: each.status === 202 ? keep : {} });
    await Promise.all(background);
    expect(status, `${operation.operationId} ${JSON.stringify(each)}`).toBe(each.status);
    seen.push(status);
  }
  return seen;
}

/** A failure that is the same for every request of a kind, and its status. */
async function askWrongly(operation: Operation): Promise<readonly number[]> {
  const [right] = casesOf(operation);
  const scopes = scopesOf(operation);
  const others = Object.entries(tokens).filter(([scope]) => scopes.length > 0 && !scopes.includes(scope));
  const queue = operation.path.startsWith("/queues/") ? "other" : undefined;
  const large = { ...right, body: { name: "x".repeat(200) } };
  const trials: readonly (readonly [number, Partial<Case>, Circumstances?])[] = [
    [400, { ...right, query: { unknown: "1" } }],
    ...(scopes.length > 0 ? ([[401, right, { headers: {} }]] as const) : []),
    ...others.map(([, token]) => [403, right, { headers: bearer(token) }] as const),
    ...(queue ? ([[404, { ...right, path: { ...right.path, queue } }]] as const) : []),
    ...(operation.method !== "GET" ? ([[413, large, { handler: { maxBodyBytes: 100 } }]] as const) : []),
    ...(right.storeless ? [] : ([[503, right, { isAway: true }]] as const)),
  ];
  for (const [status, each, circumstances] of trials)
    expect(await ask(operation, each, circumstances), `${operation.operationId} ${status}`).toBe(status);
  return trials.map(([status]) => status);
}

describe("in memory", () => {
  test.each(operations)("%s gives every documented answer, and no other", async (_, operation) => {
    const seen = new Set([...(await askEach(operation)), ...(await askWrongly(operation))]);
    expect([...seen].sort()).toEqual([...operation.responses.keys()].sort());
  });

  test.each(operations)("%s is allowed with the scopes that it names", async (_, operation) => {
    const [right] = casesOf(operation);
    for (const scope of scopesOf(operation)) {
      const headers = bearer(tokens[scope as keyof typeof tokens]);
      expect(await ask(operation, right, { headers }), scope).toBe(right.status);
    }
  });
});

describe("on Redis", () => {
  const redis = useRedis();
  const first = operations.filter(([name]) => !name.endsWith("InQueue"));

  test.each(first)("%s answers as documented", async (_, operation) => {
    await askEach(operation, () => redis.store());
  });
});

test("an undocumented method is refused, with those that are documented", async () => {
  const { fetch } = await apiWorld();
  for (const [path, methods] of Object.entries(api.document.paths)) {
    const operation = Object.values(methods)[0] as unknown as Operation;
    const address = requestOf(
      { ...operation, path, method: "GET" },
      { path: { id: "order-7", key: "daily", event: "reply-42" } },
      base,
    ).url;
    const refused = await fetch(new Request(address, { method: "PROPFIND" }));
    expect(refused.status, path).toBe(405);
    const allowed = new Set((refused.headers.get("allow") ?? "").split(", "));
    for (const method of Object.keys(methods)) expect(allowed, path).toContain(method.toUpperCase());
  }
});
