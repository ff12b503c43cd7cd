// The picture of a terminal: what the command line prints of the queue that the pictures of the dashboard show.
import { Readable } from "node:stream";
import type { Browser } from "playwright-core";
import { run } from "../../src/cli/run.ts";
import type { Scene } from "./scene.ts";

const COLUMNS = 86;
/** What is typed. GROUP is the first group of failures. The last line changes the queue: this is the last picture. */
const lines = ["queue:list", "queue:failures", "queue:dlq retry --group GROUP --queue default --yes"];

/** The colours that the command line uses, by their codes. */
const styles: Readonly<Record<string, string>> = {
  1: "font-weight: 600",
  2: "color: #7f8f90",
  31: "color: #ff7b72",
  32: "color: #56d364",
  33: "color: #e3b341",
  36: "color: #56d4dd",
};

/** @returns a picture as wide as those of the dashboard, as PNG */
export async function terminal(browser: Browser, scene: Scene, origin: string): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: 720, height: 481 }, deviceScaleFactor: 1280 / 720 });
  const screen: string[] = [];
  for (const each of lines) {
    const line = each.replace("GROUP", () => /\b[0-9a-f]{12}\b/.exec(screen.join())?.[0] ?? "none");
    screen.push(`\u001b[2m$\u001b[22m npx tidegate ${line}\n${await printed(line, scene, origin)}`);
  }
  await page.setContent(`<!doctype html>
<style>
  body { margin: 0; background: #0d1716; color: #d5e0df; }
  pre { margin: 0; padding: 18px 20px; font: 13px/19px "DejaVu Sans Mono", monospace; white-space: pre-wrap; word-break: break-all; }
</style>
<pre>${html(screen.join("\n"))}</pre>`);
  const picture = await page.screenshot();
  await page.close();
  return picture;
}

/** @throws {Error} if the command fails. */
async function printed(line: string, { now, fetch }: Scene, origin: string): Promise<string> {
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  const stdout = { isTTY: true, columns: COLUMNS, write };
  const code = await run(line.split(" "), {
    // A screen without lines that are written over.
    ...{ stdout, stderr: { write }, stdin: Object.assign(Readable.from([]), { isTTY: true }) },
    ...{ env: { TIDEGATE_URL: origin, TIDEGATE_TOKEN: "a-token-of-no-use" }, cwd: import.meta.dirname },
    ...{ clock: () => now, fetch, untilInterrupted: (work) => work(new AbortController().signal) },
  });
  if (code !== 0) throw new Error(`tidegate ${line} failed: ${text}`);
  return text;
}

/** Text with the colours of a terminal, as HTML. Each colour ends before the next begins. */
function html(text: string): string {
  const [plain, ...coloured] = text.replace(/[&<]/g, (character) => `&#${character.charCodeAt(0)};`).split("\u001b[");
  const styled = (_: string, code: string) => (styles[code] ? `<span style="${styles[code]}">` : "</span>");
  return [plain, ...coloured.map((piece) => piece.replace(/^(\d+)m/, styled))].join("");
}
