import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressOf, descriptionOf, pagePaths, titleOf } from "../../docs/.vitepress/pages.ts";
import { anchorOf } from "../../scripts/docs/anchor.ts";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { launchBrowser } from "../support/browser.ts";
import { type BuiltSite, buildSite, published } from "./built-site.ts";
import { foreignHosts } from "./hosts.ts";

const home = "docs/index.md";
const phone = { width: 390, height: 844 };
const laptop = { width: 1440, height: 900 };
const samples = ["", "guide/retries", "compare", "api/tidegate/queue"];

/** Building takes half a minute, so that only all tests do it. */
function testBuiltSite() {
  const base = "/";
  let site: BuiltSite;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    [site, browser] = await Promise.all([buildSite(), launchBrowser()]);
    page = await browser.newPage({ reducedMotion: "reduce" });
    page.setDefaultTimeout(10_000);
    // Badges come from elsewhere.
    await page.route(/^https:/, (route) => route.abort());
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await site?.stop();
  });

  test("begins with what Tidegate is, two buttons, the dashboard, six features and five boxes", async () => {
    await page.setViewportSize(laptop);
    await page.goto(site.url);
    expect(await page.locator(".VPHero h1").textContent()).toMatch(
      /Tidegate.*A job queue that needs no worker process/,
    );
    expect(await page.locator(".VPHero .actions a").allTextContents()).toEqual(["Get started", "Compare"]);
    expect(await page.locator(".VPFeature").count()).toBe(6);
    expect(await page.locator("figure .box").count()).toBe(5);
    const picture = page.locator(".picture img:visible");
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1280);
  });

  test("has a title, a description and a card on every page", () => {
    expect(site.pages.size).toBeGreaterThan(200);
    for (const [address, html] of site.pages) {
      const metas = Object.fromEntries(
        [...html.matchAll(/<meta (?:name|property)="([^"]+)" content="([^"]*)">/g)].map(([, name, content]) => [
          name,
          content,
        ]),
      );
      expect(metas["description"], address).toMatch(/^.{15,210}$/);
      expect(metas, address).toMatchObject({
        "og:title": expect.stringMatching(/./),
        "og:description": metas["description"],
      });
    }
  });

  test("has no dead link, and no link to a heading that is not there", () => {
    const anchors = new Map(
      [...site.pages].map(([address, html]) => [
        address,
        new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)),
      ]),
    );
    const dead: string[] = [];
    for (const [address, html] of site.pages)
      for (const [, link = ""] of html.matchAll(/ (?:href|src)="([^"]+)"/g)) {
        const { origin, pathname, hash } = new URL(link, `https://site.example.com${address}`);
        if (origin !== "https://site.example.com") continue;
        const heading = decodeURIComponent(hash.slice(1));
        const isThere = site.has(pathname) && (heading === "" || anchors.get(pathname)?.has(heading));
        if (!isThere) dead.push(`${address}: ${link}`);
      }
    expect(dead).toEqual([]);
  });

  test("names no host that is not on the list", () => {
    expect([...site.pages].flatMap(([address, html]) => foreignHosts(address, html))).toEqual([]);
  });

  test("names no repository and no site while the project is published nowhere", () => {
    for (const [address, html] of site.pages) {
      expect(html, address).not.toMatch(/edit-link-button|VPSocialLink |property="og:(url|image)"/);
      expect(html, address).not.toMatch(/href="(undefined|)"|undefined\/(blob|tree|edit)/);
    }
    expect(site.has(`${base}sitemap.xml`)).toBe(false);
  });

  describe("the search", () => {
    beforeAll(async () => {
      await page.setViewportSize(laptop);
      await page.goto(site.url);
      await page.getByRole("button", { name: "Search" }).click();
    });

    /** Searches, and waits until the first result leads to an address. */
    const expectFirst = async (query: string, address: string) => {
      await page.locator("#localsearch-input").fill(query);
      const first = () => page.locator(".VPLocalSearchBox .result").first().getAttribute("href");
      await expect.poll(first, { message: query, timeout: 60_000 }).toBe(base + address);
    };

    test("finds each page by its title", async () => {
      // The home has no heading, and the README that of the site.
      for (const path of pagePaths().filter((each) => each !== home && each !== "README.md"))
        await expectFirst(titleOf(path), `${addressOf(path)}#${anchorOf(titleOf(path))}`);
    });

    test.for([
      ["retries", "guide/retries#retries-and-dead-jobs"],
      ["debounce", "guide/duplicates#idempotency-debounce-and-batches"],
      ["enqueueMany", "api/tidegate/queue#enqueuemany"],
      ["upstashStore", "api/tidegate/upstash/upstashstore#upstashstore"],
    ] as const)("finds %s", ([query, address]) => expectFirst(query, address));
  });

  test("no page scrolls sideways on a phone", async () => {
    await page.setViewportSize(phone);
    const wide: string[] = [];
    for (const path of [...pagePaths().map(addressOf), ...samples]) {
      await page.goto(site.url + path);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > phone.width) wide.push(path);
    }
    expect(wide).toEqual([]);
  });

  test("nine of ten blocks of code fit their column on a laptop", async () => {
    await page.setViewportSize(laptop);
    let all = 0;
    let wide = 0;
    for (const path of pagePaths().map(addressOf)) {
      await page.goto(site.url + path);
      const blocks = await page
        .locator(".vp-doc pre")
        .evaluateAll((each) => each.map(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth));
      all += blocks.length;
      wide += blocks.filter(Boolean).length;
    }
    expect(all).toBeGreaterThan(250);
    expect(wide / all).toBeLessThan(0.1);
  });

  test.each(["light", "dark"] as const)("has contrast enough to be read in %s", async (colorScheme) => {
    await page.setViewportSize(laptop);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const path of samples) {
      await page.goto(site.url + path);
      await page.evaluate(axe.source);
      const found = await page.evaluate(async () => {
        const run = Reflect.get(window, "axe").run as typeof axe.run;
        const { violations } = await run(document, { runOnly: ["color-contrast", "image-alt", "link-name"] });
        return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
      });
      expect(found, path).toEqual([]);
    }
  });

  test("shows a page of its own where there is none", async () => {
    const response = await page.goto(`${site.url}guide/gone`);
    expect(response?.status()).toBe(404);
    await page.getByText("There is no page here").waitFor();
  });
}

function testPublishedSite() {
  test("has what its addresses in package.json allow: cards, a sitemap, edit links and links to sources", async () => {
    const site = await buildSite(true);
    const { base, pages } = site;
    expect(pages.get(base)).toContain('content="https://example.com/tidegate/card.png"');
    expect(pages.get(base)).toContain('href="https://example.com/owner/tidegate"');
    const page = pages.get(`${base}guide/retries`) ?? "";
    expect(page).toContain('content="https://example.com/tidegate/guide/retries"');
    expect(page).toContain(
      `href="${published.repository.url.slice("git+".length, -".git".length)}/edit/main/docs/guide/retries.md"`,
    );
    expect(pages.get(`${base}api/tidegate/queue`)).not.toContain("/edit/main/");
    expect(pages.get(`${base}quickstart`)).toContain(
      'href="https://example.com/owner/tidegate/tree/HEAD/examples/starter"',
    );
    expect(site.has(`${base}card.png`) && site.has(`${base}sitemap.xml`)).toBe(true);
    await site.stop();
  }, 180_000);
}

if (isForAll) {
  describe("the built site", testBuiltSite);
  describe("the site of a published project", testPublishedSite);
}

test("each page has a description of its own", () => {
  const descriptions = pagePaths()
    .filter((page) => page !== home)
    .map(descriptionOf);
  for (const each of descriptions) expect(each).toMatch(/^[^[\]*`|<>]{20,200}$/);
  expect(new Set(descriptions).size).toBe(descriptions.length);
});
