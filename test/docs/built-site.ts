import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { promisify } from "node:util";
import manifest from "../../package.json" with { type: "json" };
import { root } from "../package/built.ts";
import { serveFetch } from "../support/http-server.ts";

/** Where the site stands on its host. */
export const base = new URL(manifest.homepage).pathname;

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

export interface BuiltSite {
  /** The address of the home page. */
  readonly url: string;
  /** The HTML pages, by their addresses on the host: `/tidegate/guide/retries`. */
  readonly pages: ReadonlyMap<string, string>;
  /** Whether an address on the host leads to a page or another file. */
  has(address: string): boolean;
  stop(): Promise<void>;
}

/** Builds the site as it is published, and serves it as GitHub Pages does. */
export async function buildSite(): Promise<BuiltSite> {
  const folder = await mkdtemp(join(tmpdir(), "tidegate-site-"));
  const vitepress = join(dirname(createRequire(import.meta.url).resolve("vitepress/package.json")), "bin/vitepress.js");
  await promisify(execFile)(process.execPath, [vitepress, "build", "docs", "--outDir", folder], { cwd: root });
  const files = new Set(readdirSync(folder, { recursive: true, encoding: "utf8" }));
  const fileOf = (address: string) => {
    const path = address.slice(base.length);
    return [path, `${path}.html`, `${path}index.html`].find((file) => extname(file) !== "" && files.has(file));
  };
  const html = [...files].filter((file) => file.endsWith(".html") && file !== "404.html");
  const texts = await Promise.all(html.map((file) => readFile(join(folder, file), "utf8")));
  const addresses = html.map((file) => base + file.replace(/(index)?\.html$/, ""));
  const server = await serveFetch(async (request) => {
    const file = fileOf(new URL(request.url).pathname);
    const body = await readFile(join(folder, file ?? "404.html"));
    const headers = { "Content-Type": types[extname(file ?? "404.html")] ?? "application/octet-stream" };
    return new Response(new Uint8Array(body), { status: file ? 200 : 404, headers });
  });
  return {
    url: server.url + base,
    pages: new Map(addresses.map((address, at) => [address, texts[at] ?? ""])),
    has: (address) => fileOf(address) !== undefined,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}
