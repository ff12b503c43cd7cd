import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { routes } from "../../src/http/routes/index.ts";
import { setUp, snapshot } from "./support.ts";

/** A queue with something to spoil at every door. */
async function filled() {
  const parts = setUp();
  const { queue } = parts;
  await queue.enqueueMany([
    { job: "fails", id: "dead" },
    { job: "send_email", payload: { to: "ada" }, id: "waiting", delay: "1h" },
  ]);
  await queue.schedules.upsert("daily", { job: "fails", cron: "0 9 * * *" });
  await queue.drain({ maxJobs: 1 });
  return parts;
}

/** Sends one request and holds it to the promise: no failure, and nothing written where it is refused. */
async function holds(request: (base: string) => Request): Promise<void> {
  const { send, queue } = await filled();
  const before = await snapshot(queue);
  const answer = await send(request("http://queue.test"));
  expect(answer.status, answer.text).toBeLessThan(500);
  if (answer.status >= 400) {
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    if (answer.text)
      expect(answer.body).toMatchObject({ status: answer.status, code: expect.stringMatching(/^[a-z_]+$/) });
    expect(await snapshot(queue)).toBe(before);
  }
}

const json = { "Content-Type": "application/json" };

const doors = routes.map(({ method, path: template }) => {
  const path = template.replace(/:\w+/, template.startsWith("/schedules") ? "daily" : "waiting");
  return { method, template, path };
});

const door = fc.constantFrom(...doors);
const bodied = fc.constantFrom(...doors.filter(({ method }) => !["GET", "DELETE"].includes(method)));

// What tends to break parsers, among all that is possible.
const nasty = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    ..."__proto__ constructor toString 1e999 -0 NaN null \u0000 \ud800 \u202e 30s -1s 1e3 2030-01-01T00:00:00Z 9007199254740993".split(
      " ",
    ),
    Number.MAX_VALUE,
    -1,
    0.5,
    2 ** 53,
    [],
    {},
    { length: 5 },
    "x".repeat(300),
  ),
);

// Bodies that fit the schema of their route, or nearly, are drawn from the OpenAPI document: openapi-requests.test.ts.
const body = fc.oneof(
  nasty.map((value) => JSON.stringify(value)),
  fc.json().map((text) => text.slice(1)),
  fc.uint8Array({ maxLength: 50 }).map((bytes) => new Blob([new Uint8Array(bytes)])),
);

describe("no request makes the handler fail, and none that is refused changes anything", () => {
  test("whatever its body", async () => {
    await fc.assert(
      fc.asyncProperty(bodied, body, async ({ method, path }, content) => {
        await holds((base) => new Request(base + path, { method, body: content, headers: json }));
      }),
      { numRuns: 300 },
    );
  });

  test("whatever its headers", async () => {
    const header = fc.oneof(fc.constantFrom("application/json", "bearer x", "text/plain", "-1", "1e99"), fc.string());
    const headers = fc.record({ "content-type": header, authorization: header, "content-length": header });
    await fc.assert(
      fc.asyncProperty(bodied, headers, async ({ method, path }, values) => {
        const safe = Object.entries(values).map(([name, value]) => [name, value.replace(/[^\x20-\x7e]/g, "")] as const);
        await holds((base) => new Request(base + path, { method, body: "{}", headers: Object.fromEntries(safe) }));
      }),
    );
  });

  test("whatever its query", async () => {
    const name = fc.oneof(
      fc.constantFrom("state", "name", "cursor", "limit", "count", "maxJobs", "linger", "budget.commands", "__proto__"),
      fc.string(),
    );
    const text = fc.oneof(
      nasty.map((value) => (typeof value === "string" ? value : JSON.stringify(value))),
      fc.constantFrom("pending", "dead:", "ready:1", "%", "%ff", "+", "1"),
      fc.string(),
    );
    const query = fc
      .array(fc.tuple(name, text), { maxLength: 3 })
      // A linger that is accepted would wait for a clock that nobody moves.
      .map((pairs) => pairs.filter(([key, value]) => key !== "linger" || !/^\d/.test(value)))
      .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join("&"));
    await fc.assert(
      fc.asyncProperty(door, query, async ({ method, path }, search) => {
        await holds((base) => new Request(`${base}${path}?${search}`, { method }));
      }),
      { numRuns: 500 },
    );
  });

  test("whatever its path", async () => {
    const part = fc.oneof(
      fc.string({ unit: "binary" }).map((text) => encodeURIComponent(text.toWellFormed())),
      fc.string(),
      fc.constantFrom(
        "jobs",
        "queues",
        "default",
        "dead-letter",
        "retry",
        "schedules",
        ".",
        "..",
        "%2e",
        "%",
        "%00",
        "//",
      ),
    );
    const nowhere = fc.array(part, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`);
    const somewhere = fc.tuple(door, part).map(([{ template }, text]) => template.replace(/:\w+/, () => text));
    const queue = fc.constantFrom("", "/queues/default", "/queues/other", "/queues/..");
    const path = fc.oneof(
      nowhere,
      fc.tuple(queue, somewhere).map((parts) => parts.join("")),
    );
    const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND");
    await fc.assert(
      fc.asyncProperty(method, path, async (verb, address) => {
        await holds((base) => new Request(base + address, { method: verb }));
      }),
      { numRuns: 1_000 },
    );
  });
});

test("any id of a job comes back as it was sent", async () => {
  const id = fc
    .string({ unit: "binary", minLength: 1, maxLength: 60 })
    .filter((text) => text.isWellFormed() && text.trim() === text && !/\p{Cc}/u.test(text))
    // A URL drops these two, however they are written.
    .filter((text) => text !== "." && text !== "..");
  await fc.assert(
    fc.asyncProperty(id, async (text) => {
      const { call } = setUp();
      expect((await call("POST", "/jobs", { name: "fails", id: text })).body).toMatchObject({ id: text });
      const found = await call("GET", `/jobs/${encodeURIComponent(text)}`);
      expect(found).toMatchObject({ status: 200, body: { id: text } });
    }),
  );
});

test("any payload comes back as it was sent", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (payload) => {
      const { call } = setUp();
      const sent = JSON.stringify({ name: "fails", id: "a", payload });
      // What JSON itself does not keep (-0) is not the handler's to keep.
      const kept: unknown = JSON.parse(sent).payload;
      fc.pre(!sent.includes('"__proto__"'));
      expect((await call("POST", "/jobs", sent)).status).toBe(201);
      expect((await call("GET", "/jobs/a")).body["payload"]).toEqual(kept);
    }),
  );
});
