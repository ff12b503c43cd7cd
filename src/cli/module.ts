import { access } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { AnyJob } from "../core/job/define.ts";
import { isQueue } from "../core/queue/queue.ts";
import { isObject } from "../core/shared/schema.ts";
import { printable } from "./output/text.ts";
import { UsageError } from "./program.ts";

/** Finds the jobs and queues that a module exports. @throws {UsageError} if it does not load, or exports neither. */
export async function loadModule(file: string, cwd: string) {
  const path = resolve(cwd, file);
  await access(path).catch(() => {
    throw new UsageError(`There is no module ${printable(file)}.`, "Give --module a path, such as ./jobs.ts.");
  });
  const exported = await importModule(path).catch((error: unknown) => {
    throw new UsageError(
      `The module ${printable(file)} could not be loaded. ${printable(reasonOf(error, cwd))}`,
      hintFor(error),
    );
  });
  const values = [...new Set(valuesOf(exported))];
  const found = { jobs: values.filter(isJob), queues: values.filter(isQueue) };
  if (found.jobs.length === 0 && found.queues.length === 0)
    throw new UsageError(
      `The module ${printable(file)} exports neither jobs nor a queue.`,
      "Export a job from defineJob, an array `jobs` of them, or your own `queue`.",
    );
  return found;
}

// Node 20 cannot load TypeScript.
async function importModule(path: string): Promise<object> {
  if (!/\.[cm]?tsx?$/.test(path)) return import(pathToFileURL(path).href);
  const { createJiti } = await import("jiti");
  const loader = createJiti(pathToFileURL(path).href, { fsCache: false, interopDefault: false, tsconfigPaths: true });
  return loader.import<object>(path);
}

// A frame of a stack, or the line above one that locates a syntax error.
const FRAME = /^(?: +at (?:.*? \(?)?)?((?:\/|file:|[A-Z]:)[^()]*?):(\d+)(?::\d+)?\)?$/gm;

/** What was thrown, and where: the innermost frame outside of node_modules. */
function reasonOf(error: unknown, cwd: string): string {
  if (!(error instanceof Error)) return "It threw a value that is not an Error.";
  const frames = [...(error.stack ?? "").matchAll(FRAME)];
  const [, file, line] = frames.find(([frame]) => !/[\\/]node_modules[\\/]/.test(frame)) ?? [];
  const path = file?.startsWith("file:") ? fileURLToPath(file) : file;
  return `${error.name}: ${error.message}${path === undefined ? "" : ` (${relative(cwd, path)}:${line})`}`;
}

// What Node says of import or export in a .js file that package.json makes CommonJS, as `npm init -y` does.
const isOutsideOfModule = /outside a module|Unexpected token 'export'|top level bodies of modules/;

function hintFor(error: unknown): string | undefined {
  if (!(error instanceof SyntaxError && isOutsideOfModule.test(error.message))) return undefined;
  return 'According to package.json, .js files there are not ES modules. Name the file .mjs, or set "type": "module" in package.json.';
}

/** The exports, including those inside a default export. Arrays come first, since export names have no order. */
function valuesOf(exported: object): readonly unknown[] {
  const values = Object.entries(exported).flatMap(([name, value]: [string, unknown]) => {
    const isCollection = name === "default" && isObject(value) && !isJob(value) && !isQueue(value);
    return isCollection ? Object.values(value) : [value];
  });
  return [...values.filter(Array.isArray).flat(), ...values];
}

// By shape, because the module may use another copy of the package.
function isJob(value: unknown): value is AnyJob {
  return isObject(value) && typeof value["name"] === "string" && typeof value["perform"] === "function";
}
