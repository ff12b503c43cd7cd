import chromium from "@sparticuz/chromium";
import { type Browser, type BrowserContextOptions, type Page, chromium as playwright } from "playwright-core";

let launched: Promise<Browser> | undefined;

/** A browser with all its protections on. All test files of a worker share it, and it ends with their process. */
export function sharedBrowser(): Promise<Browser> {
  launched ??= launchBrowser();
  return launched;
}

export async function launchBrowser(): Promise<Browser> {
  return playwright.launch({ executablePath: await chromium.executablePath(), args: ["--no-sandbox"] });
}

export interface Watched {
  readonly page: Page;
  /** The errors in the console, broken policies too. Statuses and lost answers that a test expects are none. */
  readonly complaints: string[];
}

/** Opens a page with a manual clock. */
export async function openPage(browser: Browser, options: BrowserContextOptions & { now: number }): Promise<Watched> {
  const { now, ...rest } = options;
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...rest });
  await context.clock.install({ time: now });
  await context.clock.pauseAt(now + 1);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  page.on("console", (message) => {
    const isAnswer =
      /^Failed to load resource: the server responded with a status of (400|401|404|408|422|429|503)/.test(
        message.text(),
      );
    const isAborted = message.text().endsWith("net::ERR_FAILED");
    if (message.type() === "error" && !isAnswer && !isAborted) complaints.push(message.text());
  });
  return { page, complaints };
}
