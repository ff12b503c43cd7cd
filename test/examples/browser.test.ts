import { beforeAll, describe, expect, test } from "vitest";
import { loadExample } from "./example.ts";

type Page = typeof import("../../examples/browser/order.ts");
type Server = typeof import("../../examples/browser/server.ts");

const origin = "http://localhost:5173";

describe("the example for browsers", () => {
  let page: Page;
  let app: Server["default"];
  const background: Promise<unknown>[] = [];

  beforeAll(async () => {
    page = await loadExample<Page>("browser/order.ts");
    app = (await loadExample<Server>("browser/server.ts")).default;
  });

  const context = {
    waitUntil: (work: Promise<unknown>) => background.push(work),
    passThroughOnException() {},
    props: {},
  };
  const order = () =>
    page.shop({
      url: "http://shop.test/queue",
      token: "enqueue-only",
      fetch: async (request) => app.fetch(request, {}, context),
    });

  test("enqueues a job and shows its outcome", async () => {
    expect(await order()({ id: "first", email: "ada@example.com" })).toBe("Your report is on its way.");
  });

  test("may send a request twice", async () => {
    const send = order();
    const [once, twice] = [
      await send({ id: "second", email: "ben@example.com" }),
      await send({ id: "second", email: "x@y" }),
    ];
    expect([once, twice]).toEqual(["Your report is on its way.", "Your report is on its way."]);
  });

  test("has a token that allows nothing else", async () => {
    const headers = { Authorization: "Bearer enqueue-only" };
    for (const path of ["/queue/stats", "/queue/jobs", "/queue/dead-letter"]) {
      expect((await app.request(path, { headers })).status).toBe(403);
    }
  });

  test("may be called from its own origin, and from no other", async () => {
    const preflight = (from: string) =>
      app.request("/queue/jobs", {
        method: "OPTIONS",
        headers: { Origin: from, "Access-Control-Request-Method": "POST" },
      });
    expect((await preflight(origin)).headers.get("access-control-allow-origin")).toBe(origin);
    expect((await preflight("http://other.test")).headers.get("access-control-allow-origin")).not.toBe(
      "http://other.test",
    );
  });
});
