// Follows docs/newcomer.md from an empty folder to a Worker that could be deployed, and puts the output into the page.
import { deepEqual } from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { replaceFile, type Writing } from "../shared/files.ts";
import { freePort } from "../shared/free-port.ts";
import { transcribe } from "./transcript.ts";

const PAGE = "docs/newcomer.md";
const SHOWN_PORT = "8787";
const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
const require = createRequire(import.meta.url);

const env = {
  ...process.env,
  NO_COLOR: "1",
  // No questions, and no network requests except for the packages.
  CI: "true",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  npm_config_prefer_offline: "true",
  npm_config_audit: "false",
};

/**
 * Follows docs/newcomer.md.
 *
 * @param built a folder with the package as it is published. Default: it is built, and `dist` left alone.
 * @returns the page, if it was rewritten.
 * @throws {Error} if one of its commands fails; the message contains its output. With `check`, if the page would
 *   be rewritten; the message shows the lines that differ.
 */
export async function newcomer({ check, built }: Writing & { readonly built?: string }): Promise<string[]> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "tidegate-newcomer-")));
  try {
    const tarball = await pack(built ?? (await build(join(folder, "package"))), folder);
    const port = await freePort();
    const before = await readFile(join(root, PAGE), "utf8");
    const page = await transcribe(before, {
      folder,
      typed: (code) => typed(code, tarball, port),
      shown: (output) => output.replaceAll(String(port), SHOWN_PORT).replaceAll(folder, "~"),
      constant,
      env,
    });
    if (check) deepEqual(page.split("\n"), before.split("\n"));
    return await replaceFile(PAGE, page, { check });
  } finally {
    // The Worker may still be stopping, and write.
    await rm(folder, { recursive: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Builds the package as it would be published. */
async function build(folder: string): Promise<string> {
  const bundler = join(root, "node_modules/tsdown/dist/run.mjs");
  await run(process.execPath, [bundler, "--out-dir", join(folder, "dist"), "--logLevel", "error"], { cwd: root });
  for (const file of ["package.json", "README.md", "LICENSE"]) await cp(join(root, file), join(folder, file));
  return folder;
}

async function pack(built: string, folder: string): Promise<string> {
  const args = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await run("npm", args, { cwd: built });
  return join(folder, stdout.trim());
}

const untilReady = "while kill -0 $! && ! grep -qs 'Ready on' wrangler.log; do sleep 0.1; done; cat wrangler.log";

/** Replacements for the text of the page: this package, tested versions of the others, and a free port. */
function typed(code: string, tarball: string, port: number): string {
  const dev = `npx wrangler dev --port ${port} --inspector-port 0 >wrangler.log 2>&1 &\n${untilReady}`;
  return (
    code
      .replaceAll(/(?<=^npm install ).*$/gm, (words) => words.replaceAll(/(?<!\S)\w+/g, (name) => exact(name, tarball)))
      .replaceAll(/^npx wrangler dev$/gm, () => dev)
      .replaceAll(SHOWN_PORT, String(port))
      // As a terminal would show it: without a progress bar, and with the prompt on a line of its own.
      .replaceAll(/^curl (?=\S*cdn-cgi)/gm, "curl --write-out '\\n' ")
      .replaceAll(/^curl /gm, "curl --silent ")
  );
}

function exact(name: string, tarball: string): string {
  return name === "tidegate" ? tarball : `${name}@${require(`${name}/package.json`).version}`;
}

/**
 * The part of an output that is the same in every run: everything except ids, times, sizes, and the column widths that
 * depend on them. Lines come in alphabetical order, since wrangler's two outputs mix as they like.
 */
function constant(output: string): string {
  return output
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ID")
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z| UTC)/g, "TIME")
    .replaceAll(/\d\d:\d\d:\d\d/g, "TIME")
    .replaceAll(/(in )?\d+ (second|minute|hour|day)s?( ago)?|\bnow\b/g, "AGE")
    .replaceAll(/\d+(\.\d+)? ?(ms|s|KiB)\b/g, "AMOUNT")
    .replaceAll(/ +/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .sort()
    .join("\n");
}
