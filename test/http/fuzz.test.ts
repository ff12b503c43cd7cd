import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { trials } from "../../scripts/shared/all-tests.ts";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { routes } from "../../src/http/routes/index.ts";
import { memoryStore } from "../../src/index.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { sender, setUp, snapshot } from "./memory-handler.ts";

/** A queue with one of everything that a request could damage. */
async function filled() {
  // Streams end after their first event: nothing moves the clock.
  const parts = setUp({ handler: { watchLimits: { maxDuration: 0 } } });
  const { queue } = parts;
  await queue.enqueueMany([
    { job: "fails", id: "dead" },
    { job: "send_email", payload: { to: "ada" }, id: "waiting", delay: "1h" },
  ]);
  await queue.schedules.upsert("daily", { job: "fails", cron: "0 9 * * *" });
  await queue.drain({ maxJobs: 1 });
  return parts;
}

/** Sends one request and checks the promise: no failure, and nothing written if it is refused. */
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

// Strings that tend to break parsers, among random ones.
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

// openapi-requests.test.ts generates bodies that fit the schema of their route, or nearly do.
const body = fc.oneof(
  nasty.map((value) => JSON.stringify(value)),
  fc.json().map((text) => text.slice(1)),
  fc.uint8Array({ maxLength: 50 }).map((bytes) => new Blob([new Uint8Array(bytes)])),
);

describe("no request makes the handler fail, and no refused one changes anything", () => {
  test("whatever its body", async () => {
    await fc.assert(
      fc.asyncProperty(bodied, body, async ({ method, path }, content) => {
        await holds((base) => new Request(base + path, { method, body: content, headers: json }));
      }),
      { numRuns: trials(300) },
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
      { numRuns: trials(300) },
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
      // An accepted linger would wait for a clock that nothing moves.
      .map((pairs) => pairs.filter(([key, value]) => key !== "linger" || !/^\d/.test(value)))
      .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join("&"));
    await fc.assert(
      fc.asyncProperty(door, query, async ({ method, path }, search) => {
        await holds((base) => new Request(`${base}${path}?${search}`, { method }));
      }),
      { numRuns: trials(500) },
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
        "%ff",
        "%c0%af",
        "__proto__",
        "constructor",
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
      { numRuns: trials(1_000) },
    );
  });
});

const anyText = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 60 }),
  fc.constantFrom(
    ..."__proto__ constructor toString then retry remove data . .. ... %2e%2e %ff a/../b ..%2f".split(" "),
  ),
);

describe("every accepted id or key can be addressed, and addresses nothing else", () => {
  const isAddressable = (text: string) =>
    text.isWellFormed() && text.trim() === text && !/^\.\.?$/.test(text) && [...text].every(isShown);
  const isShown = (character: string) => !/\p{Cc}|\p{Bidi_Control}/u.test(character);

  test("of a job", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (id) => {
        const { call } = setUp();
        const { status, body } = await call("POST", "/jobs", { name: "fails", id, delay: "1h" });
        expect(status).toBe(isAddressable(id) ? 201 : 400);
        if (status === 400) return;
        expect(body).toMatchObject({ id });
        const path = `/jobs/${encodeURIComponent(id)}`;
        expect(await call("GET", path)).toMatchObject({ status: 200, body: { id } });
        expect(await call("PATCH", path, { delay: "2h" })).toMatchObject({ status: 200, body: { id } });
        expect((await call("DELETE", path)).status).toBe(204);
      }),
    );
  });

  test("of a schedule", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (key) => {
        const { call, queue } = setUp();
        const { status } = await call("POST", "/jobs", { name: "fails", id: key, cron: "* * * * *" });
        expect(status).toBe(isAddressable(key) ? 201 : 400);
        if (status === 400) return;
        const path = `/schedules/${encodeURIComponent(key)}`;
        expect(await call("POST", `${path}/pause`)).toMatchObject({ status: 200, body: { key, paused: true } });
        expect((await queue.getStats()).paused).toBe(false);
        expect((await call("DELETE", path)).status).toBe(204);
        expect(await queue.schedules.list()).toEqual([]);
      }),
    );
  });
});

test("an escape that is not UTF-8 is refused anywhere", async () => {
  const broken = fc.constantFrom("%", "%f", "%ff", "%c0%af", "%ed%a0%80", "a%zz");
  await fc.assert(
    fc.asyncProperty(door, broken, fc.boolean(), async ({ method, template, path }, text, isQuery) => {
      const address = isQuery || !template.includes(":") ? `${path}?x=${text}` : template.replace(/:\w+/, () => text);
      const { send } = setUp();
      const answer = await send(new Request(`http://queue.test${address}`, { method }));
      expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    }),
  );
});

test('a page of another site changes nothing with auth "none"', async () => {
  const headers = fc.constantFrom<Record<string, string>>(
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site", Origin: "http://other.queue.test" },
    { Origin: "http://evil.test" },
    { Origin: "null" },
  );
  const acting = fc.constantFrom(...routes.filter(({ method, mutates }) => method !== "GET" || mutates), {
    method: "POST",
    path: "/dashboard/sign-out",
  });
  await fc.assert(
    fc.asyncProperty(acting, headers, async ({ method, path }, from) => {
      const { queue } = await filled();
      const { send } = sender(createHandler({ queue, auth: "none", dashboard: dashboard() }).fetch);
      const before = await snapshot(queue);
      const address = path.replace(/:\w+/, path.startsWith("/schedules") ? "daily" : "waiting");
      const answer = await send(new Request(`http://queue.test${address}`, { method, headers: from }));
      expect(answer).toMatchObject({ status: 403, body: { code: "forbidden" } });
      expect(answer.headers.get("set-cookie")).toBeNull();
      expect(await snapshot(queue)).toBe(before);
    }),
  );
});

test("a forged cursor shows no job that does not exist, and costs only a few store calls", async () => {
  const rest = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.tuple(fc.nat(), fc.string()).map(([score, id]) => `${score}:${id}`),
    fc.tuple(fc.nat(), fc.nat(), fc.nat()).map((parts) => parts.join(":")),
    fc.constantFrom("9007199254740993:x", "1e9", "-1", "0:0:999999999", "00000000000000000001", "0/1:x"),
  );
  const word = fc.constantFrom("scheduled", "ready", "running", "completed", "dead", "__proto__", "constructor", "");
  await fc.assert(
    fc.asyncProperty(word, rest, fc.constantFrom("/jobs", "/dead-letter"), async (state, text, path) => {
      const store = faultyStore(memoryStore());
      const { call, queue } = setUp({ queue: { store } });
      await queue.enqueueMany([
        { job: "fails", id: "one" },
        { job: "fails", id: "two", delay: "1h" },
      ]);
      const before = store.calls.length;
      const answer = await call("GET", `${path}?cursor=${encodeURIComponent(`${state}:${text}`.toWellFormed())}`);
      expect(store.calls.length - before).toBeLessThanOrEqual(5);
      expect([200, 400]).toContain(answer.status);
      const jobs = (answer.body["jobs"] ?? []) as { id: string }[];
      expect(["one", "two"]).toEqual(expect.arrayContaining(jobs.map(({ id }) => id)));
    }),
  );
});

test("every payload comes back as it was sent", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (payload) => {
      const { call } = setUp();
      const sent = JSON.stringify({ name: "fails", id: "a", payload });
      // JSON itself does not keep -0.
      const kept: unknown = JSON.parse(sent).payload;
      fc.pre(!sent.includes('"__proto__"'));
      expect((await call("POST", "/jobs", sent)).status).toBe(201);
      expect((await call("GET", "/jobs/a")).body["payload"]).toEqual(kept);
    }),
  );
});
