import { describe, expect, test } from "vitest";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { auth, cookieOf, setUpDashboard } from "./dashboard-handler.ts";

const HOUR_MS = 3_600_000;

describe("signing in", () => {
  test.each(["the-admin-token", "the-admin-two", "the-read-token", "  the-read-token\n"])(
    "with %j begins a session",
    async (token) => {
      const { signIn } = setUpDashboard();
      const response = await signIn(token);
      expect(response.status).toBe(303);
      expect(response.headers.get("location")).toBe("../dashboard");
      const cookie = response.headers.get("set-cookie");
      expect(cookie).toMatch(
        /^tidegate-session=\d+\.[0-9a-f-]{36}\.[0-9a-f]{64}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
      );
      expect(cookie).not.toContain(token.trim());
    },
  );

  test.each([
    ["unknown", /read or admin/],
    ["the-admin-toke", /read or admin/],
    ["", /read or admin/],
    ["schlüssel", /read or admin/],
    ["the-enqueue-token", /read or admin/],
    ["the-drain-token", /read or admin/],
    ["the-signal-token", /read or admin/],
  ])("with %j is refused with a page that says why", async (token, why) => {
    const { signIn } = setUpDashboard();
    const response = await signIn(token);
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(/data-refused="([^"]+)"/.exec(await response.text())?.[1]).toMatch(why);
  });

  test("from the page's script is refused with a problem", async () => {
    const { signIn } = setUpDashboard();
    const response = await signIn("unknown", { Accept: "application/json" });
    expect(await response.json()).toMatchObject({ status: 401, code: "unauthorized" });
  });

  test.each([{ Origin: "http://evil.test" }, { "Sec-Fetch-Site": "cross-site" }, { Origin: "null" }])(
    "from another site is refused: %j",
    async (headers) => {
      const { signIn } = setUpDashboard();
      const response = await signIn("the-admin-token", headers as Record<string, string>);
      expect(response.status).toBe(403);
      expect(response.headers.get("set-cookie")).toBeNull();
    },
  );

  test("answers the eleventh wrong token of a minute with 429, and still takes the right one", async () => {
    const { signIn, clock } = setUpDashboard();
    const wrong = async (headers?: Record<string, string>) => signIn("a-wrong-token", headers);
    for (let count = 1; count <= 10; count++) expect((await wrong()).status).toBe(401);
    const page = await wrong();
    expect(page.status).toBe(429);
    expect(await page.text()).toContain('data-refused="Too many wrong tokens.');
    clock.now += 45_000;
    const problem = await wrong({ Accept: "application/json" });
    expect(await problem.json()).toMatchObject({ status: 429, code: "unauthorized" });
    expect((await signIn("the-admin-token")).status).toBe(303);
    clock.now += 15_000;
    expect((await wrong()).status).toBe(401);
  });

  test("reads only as much of a form as a token needs", async () => {
    const { signIn } = setUpDashboard();
    expect((await signIn("x".repeat(5_000))).status).toBe(413);
  });

  test("binds the cookie to this host, and to https if the page was loaded with it", async () => {
    const { signIn, call } = setUpDashboard();
    const response = await signIn("the-admin-token", {}, "https://queue.test");
    expect(response.headers.get("set-cookie")).toMatch(/^__Host-tidegate-session=.*; Path=\/;.*; Secure$/);
    const headers = { Cookie: cookieOf(response), "X-Forwarded-Proto": "https" };
    expect((await call("GET", "/stats", undefined, headers)).status).toBe(200);
  });

  test.each([
    ["https", true],
    ["https,http", true],
    ["HTTPS , http", true],
    ["http,https", false],
    ["http", false],
  ])("behind proxies with X-Forwarded-Proto: %s, a secure cookie is %s", async (forwarded, isSecure) => {
    const { signIn } = setUpDashboard();
    const cookie =
      (await signIn("the-admin-token", { "X-Forwarded-Proto": forwarded })).headers.get("set-cookie") ?? "";
    expect([cookie.startsWith("__Host-"), cookie.endsWith("; Secure")]).toEqual([isSecure, isSecure]);
  });

  test("below a path sets the same cookie, of which no part comes from the path", async () => {
    const { Hono } = await import("hono");
    const { app } = setUpDashboard();
    const outer = new Hono().route("/t/:tenant/queue", app);
    const signIn = async (origin: string) => {
      const url = `${origin}/t/x;Domain=queue.test;y=/queue/dashboard/sign-in`;
      const body = new URLSearchParams({ token: "the-admin-token" });
      return (await outer.request(url, { method: "POST", body })).headers.get("set-cookie");
    };
    expect(await signIn("http://queue.test")).toMatch(/^tidegate-session=[^;]*; Max-Age=43200; Path=\/; HttpOnly;/);
    expect(await signIn("https://queue.test")).toMatch(/^__Host-tidegate-session=[^;]*; Max-Age=43200; Path=\/; Http/);
  });
});

test("sign-in works behind a middleware that has read the body", async () => {
  const { Hono } = await import("hono");
  const { app } = setUpDashboard();
  const outer = new Hono().use(async ({ req }, next) => {
    await req.text();
    await next();
  });
  outer.route("/", app);
  const body = new URLSearchParams({ token: "the-admin-token" });
  const response = await outer.request("http://queue.test/dashboard/sign-in", { method: "POST", body });
  expect(response.status).toBe(303);
  expect(response.headers.get("set-cookie")).toMatch(/^tidegate-session=/);
});

describe("a session", () => {
  test("may read the JSON API", async () => {
    const { call, session } = setUpDashboard();
    const { cookie } = await session();
    expect((await call("GET", "/stats", undefined, { Cookie: cookie })).status).toBe(200);
    expect((await call("GET", "/jobs", undefined, { Cookie: `other=1; ${cookie}` })).status).toBe(200);
  });

  test("can change things only with its CSRF token", async () => {
    const { call, session } = setUpDashboard();
    const { cookie, csrf } = await session();
    const other = await session();
    const pause = (headers: Record<string, string>) =>
      call("POST", "/pause", undefined, { Cookie: cookie, ...headers });
    for (const wrong of [{}, { "Tidegate-CSRF": "" }, { "Tidegate-CSRF": other.csrf }, { "Tidegate-CSRF": "zz" }])
      expect(await pause(wrong as Record<string, string>)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect((await pause({ "Tidegate-CSRF": csrf, "Sec-Fetch-Site": "same-site" })).status).toBe(403);
    expect((await pause({ "Tidegate-CSRF": csrf, Origin: "http://evil.test" })).status).toBe(403);
    expect((await pause({ "Tidegate-CSRF": csrf, Origin: "http://queue.test" })).status).toBe(200);
  });

  test("has a CSRF token that is not part of its cookie, which scripts cannot read", async () => {
    const { cookie, csrf } = await setUpDashboard().session();
    expect(csrf).toMatch(/^[0-9a-f]{64}$/);
    expect(cookie).not.toContain(csrf);
  });

  test("needs that token even for a GET that changes something", async () => {
    const { call, session } = setUpDashboard();
    const { cookie, csrf } = await session();
    expect((await call("GET", "/drain", undefined, { Cookie: cookie })).status).toBe(403);
    expect((await call("GET", "/drain", undefined, { Cookie: cookie, "Tidegate-CSRF": csrf })).status).toBe(200);
  });

  test("with a read token can read everything and change nothing", async () => {
    const { call, session } = setUpDashboard();
    const { cookie, csrf } = await session("the-read-token");
    const headers = { Cookie: cookie, "Tidegate-CSRF": csrf };
    const data = await call("GET", "/dashboard/data?view=schedules", undefined, headers);
    expect(data).toMatchObject({ status: 200, body: { mayChange: false } });
    for (const [method, path] of [
      ["POST", "/pause"],
      ["GET", "/drain"],
      ["DELETE", "/jobs/x"],
      ["POST", "/jobs"],
    ] as const)
      expect(
        (await call(method, path, method === "POST" && path === "/jobs" ? { name: "fails" } : undefined, headers))
          .status,
      ).toBe(403);
  });

  test("ends after its time", async () => {
    const { call, session, clock } = setUpDashboard();
    const { cookie } = await session();
    clock.now += 12 * HOUR_MS - 1;
    expect((await call("GET", "/stats", undefined, { Cookie: cookie })).status).toBe(200);
    clock.now += 1;
    expect((await call("GET", "/stats", undefined, { Cookie: cookie })).status).toBe(401);
  });

  test("lasts as long as the option says", async () => {
    const { signIn } = setUpDashboard({ handler: { dashboard: dashboard({ sessionDuration: "30m" }) } });
    expect((await signIn("the-admin-token")).headers.get("set-cookie")).toContain("Max-Age=1800;");
    for (const sessionDuration of ["30s", "31d", "soon"])
      expect(() => dashboard({ sessionDuration } as never)).toThrow("sessionDuration");
  });

  test("ends when the token it began with is removed, and not when another is", async () => {
    const { queue, session } = setUpDashboard();
    const [one, two] = [await session("the-admin-token"), await session("the-admin-two")];
    const rotated = createHandler({
      queue,
      dashboard: dashboard(),
      auth: { ...auth, admin: ["the-admin-two", "the-admin-three"] },
    });
    const ask = async (cookie: string) => (await rotated.request("/stats", { headers: { Cookie: cookie } })).status;
    expect([await ask(one.cookie), await ask(two.cookie)]).toEqual([401, 200]);
  });

  test("has the current permissions of its token", async () => {
    const { queue, session } = setUpDashboard();
    const { cookie, csrf } = await session("the-admin-two");
    const lowered = createHandler({
      queue,
      dashboard: dashboard(),
      auth: { admin: ["the-admin-token"], read: ["the-admin-two"] },
    });
    const headers = { Cookie: cookie, "Tidegate-CSRF": csrf };
    expect((await lowered.request("/stats", { headers })).status).toBe(200);
    expect((await lowered.request("/pause", { method: "POST", headers })).status).toBe(403);
  });

  test("cannot be forged or extended", async () => {
    const { call, session } = setUpDashboard();
    const { cookie } = await session();
    const [name = "", end = ""] = /^([^=]+)=(\d+)/.exec(cookie)?.slice(1) ?? [];
    const forged = [
      cookie.replace(end, String(Number(end) + HOUR_MS)),
      cookie.slice(0, -1) + (cookie.endsWith("0") ? "1" : "0"),
      `${name}=${end}.00000000-0000-4000-8000-000000000000.${"0".repeat(64)}`,
      `${name}=`,
    ];
    for (const each of forged) expect((await call("GET", "/stats", undefined, { Cookie: each })).status).toBe(401);
  });

  test.each(["", "__Secure-"])(
    "over https ignores cookies that others may have set, with the prefix %j",
    async (prefix) => {
      const { call, session, signIn } = setUpDashboard();
      const planted = prefix + (await session("the-read-token")).cookie;
      const status = async (cookie: string) =>
        (await call("GET", "/stats", undefined, { Cookie: cookie, "X-Forwarded-Proto": "https" })).status;
      expect(await status(planted)).toBe(401);
      const own = cookieOf(await signIn("the-admin-token", {}, "https://queue.test"));
      const junk = Array(20).fill(`${prefix}tidegate-session=1.${"0".repeat(36)}.${"0".repeat(64)}`);
      expect(await status([...junk, planted, own].join("; "))).toBe(200);
    },
  );

  test("works beside an Authorization header of another scheme, such as a proxy's", async () => {
    const { call, session } = setUpDashboard();
    const { cookie, csrf } = await session();
    const headers = { Cookie: cookie, Authorization: "Basic b3BzOnNlY3JldA==", "Tidegate-CSRF": csrf };
    expect((await call("GET", "/stats", undefined, headers)).status).toBe(200);
    expect((await call("POST", "/pause", undefined, headers)).status).toBe(200);
    expect((await call("GET", "/dashboard/data?view=overview", undefined, headers)).body).toMatchObject({ csrf });
  });

  test("gives way to a header with a token, even an invalid one", async () => {
    const { call, session } = setUpDashboard();
    const { cookie } = await session();
    for (const Authorization of ["Bearer wrong", "bearer", "Bearer two words"])
      expect((await call("GET", "/stats", undefined, { Cookie: cookie, Authorization })).status).toBe(401);
  });

  test.each([
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { Origin: "http://evil.test" },
    { Origin: "null" },
  ])("cannot be ended by another site, for which browsers send no cookie: %j", async (headers) => {
    const { call } = setUpDashboard();
    const answer = await call("POST", "/dashboard/sign-out", undefined, headers as Record<string, string>);
    expect(answer).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(answer.headers.get("set-cookie")).toBeNull();
  });

  test("ends at sign-out, which needs its CSRF token", async () => {
    const { call, session } = setUpDashboard();
    const { cookie, csrf } = await session();
    expect((await call("POST", "/dashboard/sign-out", undefined, { Cookie: cookie })).status).toBe(403);
    const answer = await call("POST", "/dashboard/sign-out", undefined, { Cookie: cookie, "Tidegate-CSRF": csrf });
    expect(answer.headers.get("set-cookie")).toMatch(/^tidegate-session=; Max-Age=0;/);
    expect(cookieOf(new Response(null, { headers: answer.headers }))).toBe("tidegate-session=");
  });
});
