import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { roomsOf } from "./layout.ts";

// The arrows of docs/internals/architecture.md. Imports that are not listed are not allowed.

interface Layer {
  /** Folders and files under src/ that belong to it. */
  readonly holds: readonly string[];
  readonly mayImport: readonly string[];
  /** Packages; `node:*` means all of Node's own. */
  readonly packages?: readonly string[];
}

const layers: Readonly<Record<string, Layer>> = {
  // The names of all operations as data, for whoever serves or calls them.
  contract: { holds: ["contract/"], mayImport: [] },
  core: {
    holds: ["core/"],
    mayImport: ["port"],
    packages: ["@standard-schema/spec", "cron-parser", "cron-parser/dist/CronExpressionParser.js"],
  },
  port: { holds: ["core/store/", "core/shared/"], mayImport: [], packages: ["uuid"] },
  stores: { holds: ["stores/"], mayImport: ["port"], packages: ["@upstash/redis/cloudflare"] },
  entry: { holds: ["index.ts"], mayImport: ["core", "port", "memory"] },
  memory: { holds: ["stores/memory/index.ts"], mayImport: ["port", "stores"] },
  wire: { holds: ["http/contract/requests.ts"], mayImport: ["core", "port"] },
  http: {
    holds: ["http/"],
    mayImport: ["contract", "core", "port", "wire"],
    packages: ["hono", "hono/hono-base", "hono/route", "hono/router/linear-router"],
  },
  // It uses HTTP's tokens, bodies and statuses; a handler knows it only through its port.
  qstash: { holds: ["qstash/"], mayImport: ["core", "port", "http"], packages: ["@standard-schema/spec"] },
  // Code for the browser: from the rest of HTTP it imports only the types of its answers.
  page: { holds: ["http/dashboard/page/"], mayImport: ["contract", "core", "port", "http", "dashboard"] },
  // An option of the handler. What it reads is in routes and in the core, for others too.
  dashboard: { holds: ["http/dashboard/"], mayImport: ["core", "port", "wire", "http"] },
  client: { holds: ["client/"], mayImport: ["contract", "core", "port", "wire"] },
  react: { holds: ["react/"], mayImport: ["core", "port", "client"], packages: ["react"] },
  platforms: { holds: ["platforms/"], mayImport: ["core", "port", "http", "stores"] },
  worker: { holds: ["worker/"], mayImport: ["core", "port"] },
  node: {
    holds: ["platforms/node.ts", "platforms/node-listener.ts", "platforms/node-timer.ts"],
    mayImport: ["core", "port", "worker", "http"],
    packages: ["node:*"],
  },
  testing: { holds: ["testing/"], mayImport: ["core", "port", "memory"] },
  alerts: { holds: ["alerts/"], mayImport: ["core", "port"] },
  telemetry: { holds: ["telemetry/"], mayImport: ["core", "port"], packages: ["@opentelemetry/api"] },
  dev: {
    holds: ["dev/"],
    mayImport: ["core", "port", "memory", "client", "stores", "http", "dashboard", "qstash", "node"],
    packages: ["node:*", "hono/hono-base", "hono/router/linear-router", "ioredis"],
  },
  cli: {
    holds: ["cli/"],
    mayImport: ["contract", "core", "port", "wire", "client", "stores", "http", "node", "worker", "dev"],
    packages: ["node:*", "@commander-js/extra-typings", "jiti", "picocolors", "string-width"],
  },
};

/**
 * The folders of a layer in the order in which data passes through them. A folder imports only from those before it.
 */
const rooms: Readonly<Record<string, readonly string[]>> = { core: roomsOf("core"), qstash: roomsOf("qstash") };

const root = join(import.meta.dirname, "../../src");
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function layerOf(file: string): string {
  const fitting = Object.entries(layers).flatMap(([name, { holds }]) =>
    holds.filter((path) => file.startsWith(path)).map((path) => ({ name, length: path.length })),
  );
  return fitting.sort((a, b) => b.length - a.length)[0]?.name ?? "none";
}

function importsOf(file: string): readonly string[] {
  const source = withoutComments(readFileSync(join(root, file), "utf8"));
  return [...source.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*"([^"]+)"/g)].map((match) => match[1] as string);
}

function localImportsOf(file: string): readonly string[] {
  return importsOf(file)
    .filter((each) => each.startsWith("."))
    .map((each) => normalize(join(dirname(file), each)));
}

function isInCore(file: string): boolean {
  return file.startsWith("core/");
}

/** The first path found for each circle. */
function circles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const seen = new Set<string>();
  const found: string[][] = [];
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file]);
    if (seen.has(file)) return;
    seen.add(file);
    for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
  };
  for (const file of graph.keys()) walk(file, []);
  return found;
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

function isAllowed(file: string, imported: string): boolean {
  const own = layerOf(file);
  const layer = layers[own];
  if (!layer) return false;
  if (!imported.startsWith(".")) {
    const packages = layer.packages ?? [];
    return packages.includes(imported) || (imported.startsWith("node:") && packages.includes("node:*"));
  }
  const target = layerOf(normalize(join(dirname(file), imported)));
  return target === own || layer.mayImport.includes(target);
}

describe("imports", () => {
  test("every file belongs to a layer", () => {
    expect(files.filter((file) => layerOf(file) === "none")).toEqual([]);
  });

  test("follow the arrows", () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((each) => !isAllowed(file, each))
        .map((each) => `${file} -> ${each}`),
    );
    expect(wrong).toEqual([]);
  });

  test.each(Object.entries(rooms))("of %s lead from a folder to those above it only", (layer, order) => {
    const roomOf = (file: string) => order.indexOf(file.split("/")[1] ?? "");
    // Beside its folders, a layer has its entry point alone.
    const inside = files.filter((file) => file.startsWith(`${layer}/`) && file !== `${layer}/index.ts`);
    const wrong = inside.flatMap((file) =>
      localImportsOf(file)
        .filter((imported) => imported.startsWith(`${layer}/`))
        .filter((imported) => roomOf(file) < 0 || roomOf(imported) > roomOf(file))
        .map((imported) => `${file} -> ${imported}`),
    );
    expect(wrong).toEqual([]);
  });

  test("form no circle, imports of types included", () => {
    expect(circles(new Map(files.map((file) => [file, localImportsOf(file)])))).toEqual([]);
  });

  test("of the documentation generator include no test, but its example requests", () => {
    const below = (folder: string) =>
      readdirSync(join(root, folder), { encoding: "utf8" }).map((file) => join(folder, file));
    const generator = [...below("../scripts/docs"), ...below("../test/api-examples")];
    const wrong = generator.filter((file) =>
      localImportsOf(file).some((each) => /^\.\.\/test\/(?!api-examples\/)/.test(each)),
    );
    expect(wrong).toEqual([]);
  });

  test("a circle is found", () => {
    const graph = new Map([
      ["a", ["b"]],
      ["b", ["c"]],
      ["c", ["b"]],
    ]);
    expect(circles(graph)).toEqual([["b", "c", "b"]]);
  });

  test("an import that docs/internals/architecture.md does not allow is found", () => {
    expect(isAllowed("core/queue/queue.ts", "../../stores/memory/index.ts")).toBe(false);
    expect(isAllowed("core/queue/queue.ts", "node:fs")).toBe(false);
    expect(isAllowed("client/index.ts", "../http/handler.ts")).toBe(false);
  });

  test("the core reads neither the clock nor the process", () => {
    const impure = files.filter((file) => isInCore(file) && file !== "core/shared/clock.ts");
    const found = impure.filter((file) =>
      /\bDate\.now\(|\bprocess\.|\bperformance\.now/.test(withoutComments(readFileSync(join(root, file), "utf8"))),
    );
    expect(found).toEqual([]);
  });
});
