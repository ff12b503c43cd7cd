import { describe, expect, test } from "vitest";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { memoryStore, type Store } from "../../src/index.ts";
import { OpenApi, type Operation } from "../api-examples/openapi.ts";
import { type Case, casesOf, requestOf } from "../api-examples/requests.ts";
import { apiWorld, tokens, type WorldOptions } from "../api-examples/world.ts";
import { useRedis } from "../support/stores.ts";

const base = "https://queue.test";
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

interface Circumstances extends Pick<WorldOptions, "handler"> {
  /** The store does not answer. */
  readonly isAway?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

const { fetch: describeItself } = await apiWorld();
const api = new OpenApi(await (await describeItself(new Request(`${base}/openapi.json`))).json());
const operations = api.operations.map((operation) => [operation.operationId, operation] as const);

type Worlds = (
  each: Partial<Case>,
  isUnchanged: boolean,
  handler?: WorldOptions["handler"],
) => ReturnType<typeof apiWorld>;

/** A new world for each request, and one for all that leave it as it is: to fill one takes longer than to ask it. */
function worldsOn(create: () => Store): Worlds {
  const kept = new Map<string, ReturnType<typeof apiWorld>>();
  return (each, isUnchanged, handler) => {
    const contents = { hasNewer: each.hasNewer === true, isCrowded: each.isCrowded === true };
    const make = () => apiWorld({ store: create(), ...contents, ...(handler && { handler }) });
    if (!isUnchanged || handler) return make();
    const name = JSON.stringify(contents);
    const world = kept.get(name) ?? make();
    kept.set(name, world);
    return world;
  };
}

const inMemory = worldsOn(memoryStore);

/** Sends a request, and checks the answer against the document. @returns its status, which is as expected */
async function ask(
  operation: Operation,
  each: Partial<Case> & { readonly status: number },
  { isAway, headers = bearer(tokens.admin), handler }: Circumstances = {},
  worlds = inMemory,
): Promise<number> {
  // `soak` looks whether a refused request has changed anything.
  const isRead = operation.method === "GET" && !operation.operationId.startsWith("drain");
  const { fetch, store } = await worlds(each, isRead || each.status >= 400, handler);
  store.plan(isAway ? "before" : undefined);
  const response = await fetch(requestOf(operation, { ...each, headers: { ...headers, ...each.headers } }, base));
  const answered = { status: response.status, headers: response.headers, text: await response.text() };
  expect(api.breach(operation, answered)).toBeUndefined();
  expect(answered.status, `${operation.operationId} ${JSON.stringify(each)}`).toBe(each.status);
  return answered.status;
}

/** The scopes that allow an operation, from its description; none if it needs no token. */
function scopesOf({ description }: Operation): readonly string[] {
  return /Scope: (.*)\.$/.exec(description)?.[1]?.split(" or ") ?? [];
}

/** Sends each example request of the operation. */
async function askEach(operation: Operation, worlds = inMemory): Promise<readonly number[]> {
  const seen: number[] = [];
  for (const each of casesOf(operation)) {
    const background: Promise<unknown>[] = [];
    const handler = { waitUntil: (work: Promise<unknown>) => void background.push(work) };
    seen.push(await ask(operation, each, each.status === 202 ? { handler } : {}, worlds));
    await Promise.all(background);
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
  for (const [status, each, circumstances] of trials) await ask(operation, { ...each, status }, circumstances);
  return trials.map(([status]) => status);
}

describe("in memory", () => {
  test.each(operations)(
    "%s gives every documented answer, and no other, with each scope that it names",
    async (_, operation) => {
      const seen = new Set([...(await askEach(operation)), ...(await askWrongly(operation))]);
      expect([...seen].sort()).toEqual([...operation.responses.keys()].sort());
      const [right] = casesOf(operation);
      for (const scope of scopesOf(operation).filter((each) => each !== "admin"))
        await ask(operation, right, { headers: bearer(tokens[scope as keyof typeof tokens]) });
    },
  );
});

describe.runIf(isForAll)("on Redis", () => {
  const redis = useRedis();
  const worlds = worldsOn(() => redis.store());
  const first = operations.filter(([name]) => !name.endsWith("InQueue"));

  test.each(first)("%s answers as documented", async (_, operation) => {
    await askEach(operation, worlds);
  });
});

test("an undocumented method is refused, with those that are documented", async () => {
  const { fetch } = await apiWorld();
  for (const [path, methods] of Object.entries(api.document.paths)) {
    const operation = Object.values(methods)[0] as unknown as Operation;
    const address = requestOf(
      { ...operation, path, method: "GET" },
      { path: { id: "order-7", key: "daily", event: "reply-42", name: "send_email" } },
      base,
    ).url;
    const refused = await fetch(new Request(address, { method: "PROPFIND" }));
    expect(refused.status, path).toBe(405);
    const allowed = new Set((refused.headers.get("allow") ?? "").split(", "));
    for (const method of Object.keys(methods)) expect(allowed, path).toContain(method.toUpperCase());
  }
});
