// npm run screenshots: writes docs/images/*.png, pictures of the dashboard with a queue that has been at work for an hour.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchBrowser } from "../test/support/browser.ts";
import { type Scene, stage } from "./screenshots/scene.ts";

const images = join(import.meta.dirname, "../docs/images");
const origin = "https://queue.example";

const views = {
  overview: "#view=overview",
  "dead-letter": "#view=jobs&state=dead",
  schedules: "#view=schedules",
};

/** Opens the dashboard, signed in, at the hour of the scene. */
async function open(browser: Browser, scene: Scene, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "Europe/Paris", ...options });
  await context.clock.install({ time: scene.now });
  await context.route(`${origin}/**`, async (route) => {
    const request = route.request();
    const response = await scene.fetch(
      new Request(request.url(), {
        method: request.method(),
        headers: { ...(await request.allHeaders()), authorization: "Bearer a-token-of-no-use" },
        body: request.postData(),
      }),
    );
    const headers = Object.fromEntries(response.headers);
    await route.fulfill({ status: response.status, headers, body: Buffer.from(await response.arrayBuffer()) });
  });
  return context.newPage();
}

async function show(page: Page, hash: string): Promise<void> {
  await page.goto(`${origin}/dashboard${hash}`);
  await page.reload();
  await page.waitForSelector("footer");
  await page.waitForFunction(() => (document.querySelector("main")?.textContent ?? "").length > 40);
}

async function shoot(page: Page, name: string): Promise<void> {
  await writeFile(join(images, `${name}.png`), await page.screenshot({ fullPage: true, animations: "disabled" }));
}

export async function main(): Promise<void> {
  const scene = await stage();
  const browser = await launchBrowser();
  try {
    await mkdir(images, { recursive: true });
    const page = await open(browser, scene, { colorScheme: "light", viewport: { width: 1280, height: 800 } });
    for (const [name, hash] of Object.entries(views)) {
      await show(page, hash);
      await shoot(page, name);
    }
    await show(page, views["dead-letter"]);
    await page.click("td.job a");
    await page.waitForSelector("ol");
    await shoot(page, "job");
    const dark = await open(browser, scene, { colorScheme: "dark", viewport: { width: 1280, height: 800 } });
    await show(dark, views.overview);
    await shoot(dark, "overview-dark");
  } finally {
    await browser.close();
    await scene.stop();
  }
}
