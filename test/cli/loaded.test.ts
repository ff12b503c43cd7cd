import { execFile } from "node:child_process";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { builtPackage } from "../package/built.ts";

// Most of the time that a short command takes goes into loading modules, so what it costs is what it loads.

const run = promisify(execFile);

const asModule = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
const tracing = asModule(
  `import { writeSync } from "node:fs";
   export async function load(url, context, next) { writeSync(2, url + "\\n"); return next(url, context); }`,
);
const trace = asModule(`import { register } from "node:module"; register(${JSON.stringify(tracing)});`);

let built: string;
beforeAll(async () => {
  built = await builtPackage();
});

/** The modules that a command line loads: files of the package, and the names of others. */
async function loadedBy(...argv: string[]): Promise<readonly string[]> {
  const command = ["--import", trace, join(built, "dist/cli/main.js"), ...argv];
  // A usage error has its exit code, and its message among the lines.
  const { stderr } = await run(process.execPath, command).catch((error: { stderr: string }) => error);
  const files = stderr.split("\n").filter((line) => line.startsWith("file:"));
  const names = files.map((url) => {
    const path = fileURLToPath(url);
    const own = relative(join(built, "dist"), path).split(sep).join("/");
    return own.startsWith("..") ? (/.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(path)?.[1] ?? path) : own;
  });
  return [...new Set(names)].sort();
}

const ofEveryCommand = [
  "@commander-js/extra-typings",
  "cli/commands.js",
  "cli/main.js",
  "cli/output/text.js",
  "cli/program.js",
  "cli/run.js",
  "cli/session.js",
  "core/shared/clock.js",
  "core/shared/errors.js",
  "core/shared/version.js",
  "dev/start.js",
  "picocolors",
];

describe("the command line loads", () => {
  test.each([["--version"], ["--help"], ["help"], ["queue:lisst"]])(
    "no command for %s, and nothing of the queue",
    async (...argv) => {
      expect(await loadedBy(...argv)).toEqual(ofEveryCommand);
    },
  );

  test.each([
    ["dev", "cli/dev.js"],
    ["queue:work", "cli/work/command.js"],
    ["queue:list", "cli/list.js"],
    ["queue:jobs", "cli/runner.js"],
    ["queue:doctor", "cli/doctor/command.js"],
  ])("only the command that is called: %s", async (name, file) => {
    const loaded = await loadedBy(name, "--help");
    expect(loaded).toContain(file);
    // Others too say what is paused as `queue:list` does.
    const others = loaded.filter((each) => /^cli\/(dev|runner|(work|doctor)\/command)\.js$/.test(each));
    expect(others.filter((each) => each !== file)).toEqual([]);
    // A handler elsewhere is reached without the code of a queue, and a Redis without that of `tidegate dev`.
    expect(
      loaded.filter((each) => /^(cli\/module|http\/handler|dev\/index|core\/queue\/queue)\.js$/.test(each)),
    ).toEqual([]);
  });
});
