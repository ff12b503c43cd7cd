import axe from "axe-core";
import type { Page } from "playwright-core";
import { isForAll } from "../../scripts/shared/all-tests.ts";

/** Lets the rules be asked on a page, whose clock they need. */
export async function loadRules(page: Page): Promise<void> {
  await page.clock.resume();
  await page.evaluate(axe.source);
}

/** The schemes differ in their colours alone. With `--all`, every rule is asked in each. */
export async function inBothSchemes(page: Page): Promise<readonly string[]> {
  const inLight = await violations(page);
  await page.emulateMedia({ colorScheme: "dark" });
  const inDark = await violations(page, isForAll ? {} : { runOnly: ["color-contrast"] });
  await page.emulateMedia({ colorScheme: "light" });
  return [...inLight, ...inDark];
}

export async function violations(page: Page, rules = {}): Promise<readonly string[]> {
  const found = await page.evaluate(async (options) => {
    const run = Reflect.get(window, "axe").run as (options: object) => Promise<{
      violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
    }>;
    return (await run({ resultTypes: ["violations"], ...options })).violations;
  }, rules);
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}
