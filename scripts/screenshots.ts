// npm run screenshots [-- FOLDER]: writes pictures of the dashboard, with a queue that has been at work for an hour,
// the card of the site, and a terminal, to docs/images or to another folder.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchBrowser } from "../test/support/browser.ts";
import { card } from "./screenshots/card.ts";
import { type Scene, stage } from "./screenshots/scene.ts";
import { terminal } from "./screenshots/terminal.ts";

const docs = join(import.meta.dirname, "../docs/images");
const origin = "https://queue.example";

const light: BrowserContextOptions = { colorScheme: "light", viewport: { width: 1280, height: 800 } };
const dark: BrowserContextOptions = { ...light, colorScheme: "dark" };
/** What fits the README: the overview down to its charts, the schedules and a job. */
const short = { viewport: { width: 1280, height: 856 } };
const shorter = { viewport: { width: 1280, height: 632 } };
/** The overview down to the end of its charts. */
const whole = { viewport: { width: 1280, height: 1184 } };

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

/** The pictures: a name, the view, and how the browser looks at it. */
const pictures: readonly (readonly [string, string, BrowserContextOptions])[] = [
  ["overview", "#view=overview", { ...light, ...whole }],
  ["readme", "#view=overview", { ...light, ...short }],
  ["readme-dark", "#view=overview", { ...dark, ...short }],
  ["failures", "#view=failures", light],
  ["job", "#view=jobs&state=dead", { ...light, ...shorter }],
  ["names", "#view=names", light],
  ["queues", "#view=queues&scope=all", dark],
  ["schedules", "#view=schedules", { ...light, ...shorter }],
  ["flow-control", "#view=flow", dark],
];

export async function main([folder = docs]: readonly string[]): Promise<void> {
  const scene = await stage();
  const browser = await launchBrowser();
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, hash, options] of pictures) {
      const page = await open(browser, scene, options);
      await show(page, hash);
      if (name === "job") {
        await page.click("td.job a");
        await page.waitForSelector("ol");
      }
      await writeFile(join(folder, `${name}.png`), await page.screenshot({ animations: "disabled" }));
      await page.context().close();
    }
    await writeFile(join(folder, "card.png"), await card(browser, await readFile(join(folder, "readme.png"))));
    await writeFile(join(folder, "terminal.png"), await terminal(browser, scene, origin));
  } finally {
    await browser.close();
    await scene.stop();
  }
}
