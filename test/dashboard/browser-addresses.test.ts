import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { storeRefusedId } from "../support/dots.ts";
import { heading, notice, press, useDashboard } from "./browser-page.ts";
import { serveQueue } from "./served-queue.ts";

const { open, openFilled } = useDashboard();

describe("an invalid address", () => {
  test.each(["__proto__", "constructor", "toString", "nowhere"])(
    "#view=%s has a page that says so, and breaks nothing",
    async (view) => {
      const { page } = await openFilled();
      await page.locator(".states").waitFor();
      await page.evaluate((hash) => location.replace(hash), `#view=${view}`);
      await heading(page, "This view does not exist");
      expect(await page.locator(".states").count()).toBe(0);
      await page.getByRole("link", { name: "Schedules" }).click();
      await heading(page, "Schedules");
    },
  );
});

test("a job with an id that a URL drops is shown and cancelled, and no button changes anything else", async () => {
  const store = memoryStore();
  const on = await serveQueue({}, store);
  await storeRefusedId(store, "..", on.clock);
  const page = await open(on, "#view=schedules");
  await press(page, "Pause ..");
  await notice(page, 'A URL cannot contain "." or "..".');
  await page.goto(`${on.url}/dashboard#view=job&id=..`);
  await press(page, "Cancel...");
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await notice(page, "1 job cancelled.");
  expect((await on.queue.getStats()).paused).toBe(false);
  expect(await on.queue.getJob("..")).toBeNull();
});
