import { readFileSync } from "node:fs";
import { join } from "node:path";
import chromium from "@sparticuz/chromium";
import { build } from "esbuild";
import { type Browser, type Page, chromium as playwright, type Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import server from "../../examples/browser/server.ts";

// The example's page in a real browser. The example's handler answers its requests, without sockets: the test covers
// the client in a browser, including CORS, which the browser enforces.

const folder = join(import.meta.dirname, "../../examples/browser");
const origin = "http://localhost:5173";

let browser: Browser;
let script: string;

beforeAll(async () => {
  const built = await build({ entryPoints: [join(folder, "page.ts")], bundle: true, format: "esm", write: false });
  script = built.outputFiles[0]?.text ?? "";
  browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    args: chromium.args,
    headless: true,
  });
});
afterAll(() => browser?.close());

async function answerPage(route: Route): Promise<void> {
  // As a bundler's development server does, for which the page is written.
  const isScript = new URL(route.request().url()).pathname.endsWith(".ts");
  const body = isScript ? script : readFileSync(join(folder, "index.html"), "utf8");
  await route.fulfill({ body, contentType: isScript ? "text/javascript" : "text/html" });
}

async function answerQueue(route: Route): Promise<void> {
  const request = route.request();
  const body = request.postData();
  const response = await server.fetch(
    new Request(request.url(), {
      method: request.method(),
      headers: await request.allHeaders(),
      ...(body && { body }),
    }),
    {},
    { waitUntil: () => {}, passThroughOnException() {}, props: {} },
  );
  await route.fulfill({
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  });
}

async function open(): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.route(`${origin}/**`, answerPage);
  await page.route("http://localhost:8787/**", answerQueue);
  await page.goto(`${origin}/`);
  return { page, errors };
}

describe("QueueClient in a browser", () => {
  test("enqueues a job from another origin and waits until it ends", async () => {
    const { page, errors } = await open();
    await page.fill("input[name=email]", "ada@example.com");
    await page.click("button");
    await page.waitForFunction(() => document.querySelector("output")?.textContent !== "");
    expect(await page.textContent("output")).toBe("Your report is on its way.");
    expect(errors).toEqual([]);
    await page.close();
  });
});
