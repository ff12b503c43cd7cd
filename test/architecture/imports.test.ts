import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

// The arrows of docs/architecture.md. What is not listed may not be imported.

interface Layer {
  /** Folders and files under src/ that belong to it. */
  readonly holds: readonly string[];
  readonly mayImport: readonly string[];
  /** Packages; `node:*` stands for all of Node's own. */
  readonly packages?: readonly string[];
}

const layers: Readonly<Record<string, Layer>> = {
  core: { holds: ["core/"], mayImport: [], packages: ["@standard-schema/spec", "cron-parser", "uuid"] },
  stores: { holds: ["stores/"], mayImport: ["core"], packages: ["@upstash/redis", "@upstash/redis/cloudflare"] },
  entry: { holds: ["index.ts"], mayImport: ["core", "memory"] },
  memory: { holds: ["stores/memory.ts", "stores/partitioned.ts"], mayImport: ["core", "stores"] },
  wire: { holds: ["http/wire.ts", "http/schema.ts"], mayImport: ["core"] },
  http: { holds: ["http/"], mayImport: ["core", "wire"], packages: ["hono", "hono/tiny"] },
  // What runs in a browser: of the rest of HTTP it knows the types of the answers that it gets, and no code.
  page: { holds: ["http/dashboard/page/"], mayImport: ["core", "http"] },
  client: { holds: ["client/"], mayImport: ["core", "wire"] },
  platforms: { holds: ["platforms/"], mayImport: ["core", "http", "stores"] },
  worker: { holds: ["worker/"], mayImport: ["core"] },
  node: { holds: ["platforms/node.ts"], mayImport: ["core", "worker"], packages: ["node:*"] },
  testing: { holds: ["testing/"], mayImport: ["core", "memory"] },
  telemetry: { holds: ["telemetry/"], mayImport: ["core"], packages: ["@opentelemetry/api"] },
  cli: {
    holds: ["cli/"],
    mayImport: ["core", "client", "stores", "http", "node", "worker", "memory"],
    packages: ["node:*", "@commander-js/extra-typings", "jiti", "picocolors", "string-width"],
  },
};

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

  test("an arrow that is not drawn is found", () => {
    expect(isAllowed("core/queue.ts", "../stores/memory.ts")).toBe(false);
    expect(isAllowed("core/queue.ts", "node:fs")).toBe(false);
    expect(isAllowed("client/index.ts", "../http/handler.ts")).toBe(false);
  });

  test("the core knows neither the time nor the process", () => {
    const impure = files.filter((file) => file.startsWith("core/") && file !== "core/clock.ts");
    const found = impure.filter((file) =>
      /\bDate\.now\(|\bprocess\.|\bperformance\.now/.test(withoutComments(readFileSync(join(root, file), "utf8"))),
    );
    expect(found).toEqual([]);
  });
});
