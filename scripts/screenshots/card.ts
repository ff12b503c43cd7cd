// The picture that chats and social networks show beside a link to the site: the name, what it is, and the dashboard.
import { readFile } from "node:fs/promises";
import type { Browser } from "playwright-core";

const root = new URL("../../", import.meta.url);

/** @param dashboard a picture of the dashboard, as PNG */
export async function card(browser: Browser, dashboard: Buffer): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 630 } });
  const logo = await readFile(new URL("docs/.vitepress/public/logo.svg", root), "base64");
  await page.setContent(`<!doctype html>
<style>
  body { margin: 0; padding: 56px 64px; background: #f5f7f7; color: #122; font: 600 42px/1.2 system-ui, sans-serif; overflow: hidden; }
  header { display: flex; align-items: center; gap: 20px; margin-bottom: 20px; color: #076; font-size: 56px; }
  header img { height: 60px; }
  .dashboard { display: block; width: 100%; margin-top: 44px; border: 1px solid #d5dddc; border-radius: 14px; box-shadow: 0 24px 64px -16px #12222266; }
</style>
<header><img src="data:image/svg+xml;base64,${logo}" alt="">Tidegate</header>
A job queue that needs no worker process
<img class="dashboard" src="data:image/png;base64,${dashboard.toString("base64")}" alt="">`);
  const picture = await page.screenshot();
  await page.close();
  return picture;
}
