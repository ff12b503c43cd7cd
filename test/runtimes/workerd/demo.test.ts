import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";

// The demo's memory store is at module scope: other requests must be able to use what one request leaves there.

const demo = exports.default;

async function json(path: string, body?: unknown): Promise<Record<string, unknown>> {
  const headers = { "Content-Type": "application/json" };
  const init = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
  return (await demo.fetch(`http://localhost${path}`, init)).json();
}

test("jobs enqueued by concurrent requests are all performed, and later requests see them", async () => {
  const payload = { to: "ada@example.com", subject: "Hello" };
  const enqueue = () => json("/jobs", { name: "send_email", payload });
  const ids = (await Promise.all(Array.from({ length: 20 }, enqueue))).map(({ id }) => id);
  await expect.poll(async () => (await json("/stats"))["completedCount"]).toBe(20);
  const jobs = await Promise.all(ids.map((id) => json(`/jobs/${id}`)));
  expect(jobs.map(({ result }) => result)).toEqual(ids.map(() => ({ sent: true })));
});

test("an invalid payload is refused with the reason", async () => {
  expect(await json("/jobs", { name: "send_email", payload: { to: 7 } })).toMatchObject({
    status: 422,
    code: "invalid_payload",
  });
});

test("the front page says what to do next", async () => {
  const page = await (await demo.fetch("http://localhost/")).text();
  expect(page).toContain("curl http://localhost/jobs --json");
});
