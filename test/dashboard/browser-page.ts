import type { BrowserContextOptions, Page, Request } from "playwright-core";
import { afterEach, expect } from "vitest";
import { openPage, sharedBrowser, type Watched } from "../support/browser.ts";
import { fill, openedAt, type ServedQueue, serveQueue } from "./served-queue.ts";

export const auth = { read: ["the-read-token"], admin: ["the-admin-token"] };
export const patience = { timeout: 60_000, interval: 50 };

export interface Dashboard {
  /** Opens the dashboard of a queue at a hash. */
  open(queue: ServedQueue, hash?: string, options?: BrowserContextOptions): Promise<Page>;
  /** The same for a queue that has jobs. */
  openFilled(hash?: string, options?: BrowserContextOptions): Promise<{ page: Page; on: ServedQueue }>;
}

/** Opens pages in a browser. Closes the page after each test, and asserts that its console is empty. */
export function useDashboard(): Dashboard {
  let served: ServedQueue | undefined;
  let watched: Watched | undefined;
  afterEach(async () => {
    const complaints = watched?.complaints ?? [];
    await watched?.page.context().close();
    await served?.stop();
    watched = undefined;
    served = undefined;
    expect(complaints).toEqual([]);
  });
  const open: Dashboard["open"] = async (queue, hash = "", options = {}) => {
    served = queue;
    watched = await openPage(await sharedBrowser(), { now: openedAt, ...options });
    watched.page.setDefaultTimeout(patience.timeout);
    await watched.page.goto(`${queue.url}/dashboard${hash}`);
    return watched.page;
  };
  return {
    open,
    async openFilled(hash, options) {
      const on = await serveQueue();
      await fill(on.queue);
      const page = await open(on, hash, options);
      await page.waitForSelector("footer");
      return { page, on };
    },
  };
}

/** Waits for a view and its data. The URL names the view, so its heading is there before the response. */
export const heading = (page: Page, text: string) =>
  page.locator("main:not(:has([aria-busy])) h1", { hasText: text }).waitFor();
export const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
export const search = (page: Page) => page.getByLabel("Search jobs");
export const notice = (page: Page, text: string) =>
  page.locator('[role="status"] .banner', { hasText: text }).waitFor();

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await press(page, "Sign in");
}

/** Holds the calls of an address. Returns a function that waits for the next one, and returns what lets it go. */
export async function holdCalls(page: Page, url: string, isHeld: (request: Request) => boolean = () => true) {
  const held: (() => void)[] = [];
  await page.route(url, async (route) => {
    if (isHeld(route.request())) await new Promise<void>((resolve) => held.push(resolve));
    await route.continue();
  });
  return async (): Promise<() => void> => {
    await expect.poll(() => held.length, patience).toBeGreaterThan(0);
    return held.shift() ?? (() => {});
  };
}

/** Shows another view, and waits until it is there. */
export async function visit(page: Page, hash: string): Promise<void> {
  await page.evaluate(async (to) => {
    if (location.hash === to) return;
    // Until this event, the view before looks as if it were there.
    const isFollowed = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
    location.hash = to;
    await isFollowed;
  }, hash);
  await page.waitForFunction(
    (to) => location.hash === to && document.querySelector("main .card") && !document.querySelector("[aria-busy]"),
    hash,
  );
}
