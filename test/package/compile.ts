import { execFile } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { installedBuild, root } from "./built.ts";

const run = promisify(execFile);

/** The compilers that users have: the one written in TypeScript, and the native one. */
export const compilers = { "TypeScript 5.9": "typescript", "TypeScript 7": "typescript-7" } as const;
export type Compiler = keyof typeof compilers;

/** The native one takes a fifth of the time. The other one joins it with `--all`. */
export const chosenCompilers: readonly Compiler[] = isForAll ? ["TypeScript 5.9", "TypeScript 7"] : ["TypeScript 7"];

/** One diagnostic of a compiler. */
export interface Diagnostic {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  /** "TS2322", and so on. */
  readonly code: string;
  /** The message, with the lines that explain it. */
  readonly text: string;
}

/** The options of a careful user; the types of the package itself are checked too. */
const strict = {
  target: "es2022",
  lib: ["es2023", "dom", "dom.iterable"],
  module: "nodenext",
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  // Of the libraries, only those that come with a compiler go unchecked: they take half of the time.
  skipDefaultLibCheck: true,
};

/** Creates a project in which the published package is installed. */
export async function projectOf(files: Readonly<Record<string, string>>): Promise<string> {
  const project = await mkdtemp(join(await installedBuild(), "project-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, name)), { recursive: true });
    await writeFile(join(project, name), text);
  }
  return project;
}

/** Compiles files of a project. */
export async function compile(
  compiler: Compiler,
  project: string,
  files: readonly string[],
  options: object = { noEmit: true },
): Promise<readonly Diagnostic[]> {
  const config = join(project, `${compilers[compiler]}.json`);
  await writeFile(config, JSON.stringify({ compilerOptions: { ...strict, ...options }, files }));
  const tsc = join(root, "node_modules", compilers[compiler], "bin/tsc");
  const compiling = run(process.execPath, [tsc, "-p", config, "--pretty", "false"], { cwd: project });
  return diagnosticsOf((await compiling.catch((error) => error)).stdout);
}

function diagnosticsOf(output: string): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const line of output.split("\n").filter(Boolean)) {
    const [, file, at, column, code, text] = /^(.+?)\((\d+),(\d+)\): error (TS\d+): (.*)$/.exec(line) ?? [];
    const last = diagnostics.at(-1);
    if (file !== undefined) {
      diagnostics.push({ file, line: Number(at), column: Number(column), code: code ?? "", text: text ?? "" });
    } else if (line.startsWith(" ") && last) {
      diagnostics[diagnostics.length - 1] = { ...last, text: `${last.text}\n${line}` };
    } else {
      // Such as a missing compiler, or a wrong option.
      diagnostics.push({ file: "", line: 0, column: 0, code: "", text: line });
    }
  }
  return diagnostics;
}
