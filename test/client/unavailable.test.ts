import { describe, expect, test } from "vitest";
import { QueueClient } from "../../src/client/index.ts";
import { TidegateError } from "../../src/index.ts";

const url = "https://secret-host.test/secret-path";
const token = "secret-token";

async function failureOf(fetch: (request: Request) => Response | Promise<Response>, at = url): Promise<TidegateError> {
  const error = await new QueueClient({ url: at, token, fetch })
    .enqueue("send_email", { to: "secret-payload" })
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TidegateError);
  return error as TidegateError;
}

const problem = (status: number, body: object) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/problem+json" } });

describe("store_unavailable, with a hint and without a secret, if", () => {
  test.each<[string, () => Response | Promise<Response>]>([
    ["the network fails", () => Promise.reject(new TypeError(`fetch failed: ${url} ${token}`))],
    [
      "fetch throws",
      () => {
        throw new Error(url);
      },
    ],
    ["the answer is a page", () => new Response("<h1>secret-page</h1>", { headers: { "Content-Type": "text/html" } })],
    ["the answer is cut off", () => new Response('{"id":"a"')],
    ["the answer is empty", () => new Response("", { status: 502 })],
    ["the answer is a redirect", () => new Response(null, { status: 302, headers: { Location: url } })],
    ["another service refuses", () => Response.json({ message: "secret-page" }, { status: 404 })],
    ["the answer to a refusal is no object", () => Response.json(null, { status: 400 })],
  ])("%s", async (_, fetch) => {
    const error = await failureOf(fetch);
    expect(error.code).toBe("store_unavailable");
    expect(error.message).toMatch(/Check url and network/);
    expect(JSON.stringify([error.message, error.cause ?? null])).not.toContain("secret");
  });

  test("the url is invalid", async () => {
    const error = await failureOf(() => Response.json({}), "secret-place");
    expect(error.code).toBe("store_unavailable");
    expect(error.message).not.toContain("secret");
  });

  test("the handler or its store failed", async () => {
    for (const [status, code] of [
      [503, "store_unavailable"],
      [500, "internal_error"],
    ] as const) {
      const error = await failureOf(() => problem(status, { status, title: "", detail: "The store is down.", code }));
      expect(error).toMatchObject({ code: "store_unavailable", message: "The store is down." });
    }
  });
});

test("a request without a response may have worked, unless it only reads", async () => {
  const fetch = () => Promise.reject(new TypeError("fetch failed"));
  expect((await failureOf(fetch)).message).toMatch(/It may have worked/);
  await expect(new QueueClient({ url, fetch }).getStats()).rejects.toThrow(/^No response\. Check url and network\.$/);
});

test("a status that no handler answers with is named", async () => {
  expect((await failureOf(() => new Response("", { status: 502 }))).message).toContain("502");
});

test("a call is sent once, whatever the answer", async () => {
  let requests = 0;
  await failureOf(() => {
    requests++;
    throw new Error("connection lost");
  });
  expect(requests).toBe(1);
});

test("a request carries the token and JSON, and follows no redirect", async () => {
  const seen: Request[] = [];
  const client = new QueueClient({
    url: `${url}//`,
    token,
    fetch: (request) => {
      seen.push(request);
      return Response.json({ id: "a", status: "enqueued", runAt: null });
    },
  });
  expect(await client.enqueue("send_email", { to: "ada" }, { delay: "1m" })).toMatchObject({ id: "a", runAt: null });
  const [request] = seen;
  expect(request?.url).toBe(`${url}/jobs`);
  expect(request?.method).toBe("POST");
  expect(request?.redirect).toBe("manual");
  expect(request?.headers.get("authorization")).toBe(`Bearer ${token}`);
  expect(request?.headers.get("content-type")).toBe("application/json");
  expect(await request?.json()).toEqual({ name: "send_email", payload: { to: "ada" }, delay: "1m" });
});

describe("a 200 from another service is never taken for the handler's answer:", () => {
  test.each<[string, (client: QueueClient) => Promise<unknown>]>([
    ["enqueue", (client) => client.enqueue("send_email", 1, { id: "order-1" })],
    ["enqueueMany", (client) => client.enqueueMany([{ job: "send_email" }])],
    ["getJob", (client) => client.getJob("a")],
    ["listJobs", (client) => client.listJobs()],
    ["cancel", (client) => client.cancel("a")],
    ["update", (client) => client.update("a", { delay: "1s" })],
    ["getStats", (client) => client.getStats()],
    ["getActivity", (client) => client.getActivity()],
    ["listDeadLetter", (client) => client.listDeadLetter()],
    ["retryFromDeadLetter", (client) => client.retryFromDeadLetter({ all: true })],
    ["removeFromDeadLetter", (client) => client.removeFromDeadLetter("a")],
    ["pause", (client) => client.pause()],
    ["resume", (client) => client.resume()],
    ["clear", (client) => client.clear()],
    ["drain", (client) => client.drain()],
    ["schedules.upsert", (client) => client.schedules.upsert("a", { job: "send_email", cron: "* * * * *" })],
    ["schedules.get", (client) => client.schedules.get("a")],
    ["schedules.list", (client) => client.schedules.list()],
    ["schedules.remove", (client) => client.schedules.remove("a")],
    ["schedules.preview", (client) => client.schedules.preview("a")],
    ["schedules.pause", (client) => client.schedules.pause("a")],
    ["schedules.resume", (client) => client.schedules.resume("a")],
    ["schedules.run", (client) => client.schedules.run("a")],
  ])("%s", async (_, call) => {
    for (const body of [{ ok: true }, null, []]) {
      const client = new QueueClient({ url, token, fetch: () => Response.json(body) });
      await expect(call(client)).rejects.toMatchObject({
        code: "store_unavailable",
        message: expect.stringContaining("Another service responded: status 200"),
      });
    }
  });
});
