// Follows docs/quickstart.md from an empty folder to a Worker that could be deployed, and puts the output into it.
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

const PAGE = "docs/quickstart.md";
/** The ports that the page shows: of the Worker, of the dashboard, and of the REST API. */
const SHOWN_PORTS = ["8787", "8078", "8079"] as const;
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
 * Follows docs/quickstart.md.
 *
 * @param built a folder with the package as it is published. Default: it is built, and `dist` left alone.
 * @returns the page, if it was rewritten.
 * @throws {Error} if one of its commands fails; the message contains its output. With `check`, if the page would
 *   be rewritten; the message shows the lines that differ.
 */
export async function quickstart({ check, built }: Writing & { readonly built?: string }): Promise<string[]> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "tidegate-quickstart-")));
  try {
    const tarball = await pack(built ?? (await build(join(folder, "package"))), folder);
    const ports = await Promise.all(SHOWN_PORTS.map(async (shown) => [shown, String(await freePort())] as const));
    const before = await readFile(join(root, PAGE), "utf8");
    const page = await transcribe(before, {
      folder,
      typed: (code) => typed(code, tarball, new Map(ports)),
      shown: (output) =>
        ports.reduce((text, [shown, port]) => text.replaceAll(port, shown), output).replaceAll(folder, "~"),
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

/** A command that keeps running, once it has printed a text. */
const inBackground = (command: string, log: string, ready: string) =>
  `${command} >${log} 2>&1 &\nwhile kill -0 $! && ! grep -qs '${ready}' ${log}; do sleep 0.1; done; sed '/${ready}/q' ${log}`;

/** Replacements for the text of the page: this package, tested versions of the others, and free ports. */
function typed(code: string, tarball: string, ports: ReadonlyMap<string, string>): string {
  const [worker, pages, rest] = SHOWN_PORTS;
  const withPorts = [...ports].reduce((text, [shown, port]) => text.replaceAll(shown, port), code);
  return (
    withPorts
      .replaceAll(/(?<=^npm install ).*$/gm, (words) =>
        words.replaceAll(/(?<!\S)[\w.]\S*/g, (name) => exact(name, tarball)),
      )
      .replaceAll(/^npx tidegate dev .*$/gm, (command) =>
        inBackground(
          `${command} --port ${ports.get(pages)} --rest-port ${ports.get(rest)}`,
          "dev.log",
          "Attempts follow",
        ),
      )
      .replaceAll(/^npx wrangler dev$/gm, (command) =>
        inBackground(`${command} --port ${ports.get(worker)} --inspector-port 0`, "wrangler.log", "Ready on"),
      )
      // A person reads the response first, while the Durable Object runs the job.
      .replaceAll(
        /^npx tidegate queue:jobs$/gm,
        (command) => `until ${command} | grep -q completed; do :; done\n${command}`,
      )
      .replaceAll(/^curl (?=\S*sign-up)/gm, "curl --write-out '\\n' ")
      .replaceAll(/^curl /gm, "curl --silent ")
  );
}

function exact(name: string, tarball: string): string {
  return name.endsWith(".tgz") ? tarball : `${name}@${require(`${name}/package.json`).version}`;
}

/**
 * The part of an output that is the same in every run: everything except ids, times, sizes, and the column widths that
 * depend on them. Lines come in alphabetical order, since wrangler's two outputs mix as they like.
 */
function constant(output: string): string {
  return output
    .replaceAll(/(?<=TOKEN=)\S+|(?<=redis-server |kill )[\d.]+/g, "ANY")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ID")
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z| UTC)?/g, "TIME")
    .replaceAll(/\d\d:\d\d:\d\d/g, "TIME")
    .replaceAll(/in \d+[smhd]\b|\d+[smhd] ago|(in )?\d+ (second|minute|hour|day)s?( ago)?|\bnow\b/g, "AGE")
    .replaceAll(/\d+(\.\d+)? ?(ms|s|KiB)\b/g, "AMOUNT")
    .replaceAll(/ +/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .sort()
    .join("\n");
}
