import { beforeAll, describe, expect, test } from "vitest";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { inBothSchemes, loadRules, violations } from "./axe.ts";
import { auth, heading, press, useDashboard, visit } from "./browser-page.ts";
import { type LargeWorld, largeWorld } from "./large-world.ts";
import { enqueueUnknown, type ServedQueue, serveQueue } from "./served-queue.ts";

const { open, openFilled } = useDashboard();

describe("without a mouse", () => {
  test("everything can be reached, and a closed dialog returns the focus", async () => {
    const { page } = await openFilled("#view=jobs&state=dead");
    await page.getByLabel("Select order-7").waitFor();
    const focused = () =>
      page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent);
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await focused()).toBe("Dead jobs");
    const tabTo = async (name: string, key = "Tab") => {
      for (let steps = 0; (await focused()) !== name; steps++) {
        if (steps > 40) throw new Error(`Nothing called ${name} can be reached.`);
        await page.keyboard.press(key);
      }
    };
    await tabTo("Select order-7");
    await page.keyboard.press("Space");
    await tabTo("Retry...", "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await focused()).toBe("Retry...");
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
    expect(outline).toBe("solid");
  });
});

const places = [
  "#view=overview",
  "#view=failures",
  "#view=names",
  "#view=jobs",
  "#view=jobs&state=dead",
  "#view=job&id=order-7",
  "#view=schedules",
  "#view=job&id=gone",
  "#view=flow",
  "#view=flow&search=unknown",
  "#view=job&id=held",
  "#view=queues",
  "#view=job&id=running",
  "#view=job&id=parent",
  "#view=type&id=fails",
  "#view=upcoming",
  "#view=changes",
];

let world: LargeWorld;
beforeAll(async () => {
  world = await largeWorld();
});

/** Views of a large world. */
const largePlaces = [
  "#view=overview",
  "#view=schedules",
  "#view=job&id=onboard-7",
  "#view=jobs&state=ready",
  "#view=jobs&state=scheduled",
  "#view=type&id=media_3&queue=media",
  ...["failures", "jobs", "names", "schedules", "flow", "upcoming"].map((view) => `#view=${view}&scope=all`),
];

/** Every dialog: where it is, what opens it, and what shows an error or more in it. */
const dialogs: readonly (readonly [hash: string, opens: string, press?: string])[] = [
  ["#view=overview", "Enqueue..."],
  ["#view=overview", "Keys: ?"],
  ["#view=failures", "Remove Error of fails: no luck"],
  ["#view=failures", "Retry Error of fails: no luck"],
  ["#view=job&id=running", "Stop..."],
  ["#view=job&id=mail-3", "Reschedule...", "Reschedule 1 job"],
  ["#view=job&id=mail-3", "Cancel..."],
  ["#view=job&id=order-7", "Retry with another payload..."],
  ["#view=schedules", "Create..."],
  ["#view=flow", "Change the limits of api", "Set limits"],
];

/**
 * Keys of flow control, one of them as long as a key may be, a job that it holds back, one that runs, and one that
 * waits for another.
 */
async function addKeys({ queue }: ServedQueue): Promise<void> {
  const key = "k".repeat(256);
  await queue.flowControl.set("api", { rate: 100, period: "1m" });
  await queue.flowControl.pause(key, { by: "on-call" });
  await queue.enqueue("fails", null, { id: "held", flowControl: { key } });
  await internalsOf(queue).enqueueHeld([{ job: "fails", payload: null, id: "running" }]);
  await queue.enqueue("fails", null, { id: "parent", children: [{ job: "send_email", payload: { to: "ada" } }] });
}

describe("every view", () => {
  test("has its link in one of two lines on a narrow screen, however many jobs there are", async () => {
    const on = await serveQueue();
    await on.queue.enqueueMany(Array(1_000).fill({ job: "fails", payload: null }));
    await on.queue.drain({ maxJobs: 1_000 });
    await on.queue.enqueueMany(Array(1_000).fill({ job: "fails", payload: null }));
    const page = await open(on, "", { viewport: { width: 390, height: 780 } });
    const links = page.getByRole("navigation", { name: "Views" }).getByRole("link");
    await links.filter({ hasText: "Failures1,000" }).waitFor();
    const boxes = await links.evaluateAll((all) => all.map((each) => each.getBoundingClientRect().toJSON()));
    expect(new Set(boxes.map(({ y }) => y)).size).toBe(2);
    expect(Math.max(...boxes.map(({ right }) => right))).toBeLessThanOrEqual(390);
  });

  test("fits a screen of 320 px without horizontal scrolling, and a finger", async () => {
    const { page, on } = await openFilled("", { viewport: { width: 320, height: 640 } });
    await addKeys(on);
    await enqueueUnknown(on, "x".repeat(100), "y".repeat(300), "z".repeat(200));
    await loadRules(page);
    for (const hash of [...places, `#view=job&id=${"z".repeat(200)}`]) {
      await visit(page, hash);
      expect(await violations(page, { runOnly: ["target-size"] }), hash).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(320);
      const lines = await page
        .locator("td .badge")
        .evaluateAll((all) => all.map((each) => each.getClientRects().length));
      expect(
        lines.filter((count) => count > 1),
        hash,
      ).toEqual([]);
    }
    // Beside the list of views there is less room than on a phone.
    for (const width of [830, 1_024]) {
      await page.setViewportSize({ width, height: 640 });
      for (const hash of ["#view=names", "#view=queues"]) {
        await visit(page, hash);
        expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(width);
        const cut = await page
          .locator("td.job a")
          .evaluateAll((all) =>
            all.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent),
          );
        expect(cut, hash).toEqual([]);
      }
    }
  });

  test("passes axe in light and dark", async () => {
    const { page, on } = await openFilled();
    await addKeys(on);
    await loadRules(page);
    for (const hash of places) {
      await visit(page, hash);
      expect(await inBothSchemes(page), hash).toEqual([]);
    }
    const dialog = page.getByRole("dialog");
    for (const [hash, opens, refused] of dialogs) {
      await visit(page, hash);
      await press(page, opens);
      await dialog.waitFor();
      if (refused) {
        await dialog.locator("input").first().fill("wrong");
        await press(page, refused);
        await page.getByRole("alert").filter({ hasText: "must be" }).waitFor();
      }
      expect(await inBothSchemes(page), opens).toEqual([]);
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
    }
  });

  test.each([
    ["light", 1_280],
    ["dark", 320],
  ] as const)("of a large world fits in %s at %i px, and with --all passes axe", async (colorScheme, width) => {
    const page = await open(await serveQueue({ queues: world.queues }), "", {
      colorScheme,
      viewport: { width, height: 700 },
    });
    await page.clock.resume();
    if (isForAll) await loadRules(page);
    for (const hash of largePlaces) {
      await visit(page, hash);
      // What breaks a rule here nearly always does so in the views of the small world, too.
      if (isForAll) expect(await violations(page), hash).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(width);
      const marks = await page.locator(".marks a:visible").count();
      expect(marks > 0, hash).toBe(hash.startsWith("#view=schedules"));
    }
  });

  test("and the sign-in pass axe in light and dark", async () => {
    const page = await open(await serveQueue({ auth }));
    await heading(page, "Sign in");
    await loadRules(page);
    expect(await inBothSchemes(page)).toEqual([]);
  });
});
