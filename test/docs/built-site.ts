import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join, relative } from "node:path";
import { promisify } from "node:util";
import { root } from "../package/built.ts";
import { serveFetch } from "../support/http-server.ts";

/** What package.json says once the project is published. */
export const published = {
  repository: { type: "git", url: "git+https://example.com/owner/tidegate.git" },
  homepage: "https://example.com/tidegate/",
};

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

export interface BuiltSite {
  /** Where the site stands on its host. */
  readonly base: string;
  /** The address of the home page. */
  readonly url: string;
  /** The HTML pages, by their addresses on the host: `/tidegate/guide/retries`. */
  readonly pages: ReadonlyMap<string, string>;
  /** Whether an address on the host leads to a page or another file. */
  has(address: string): boolean;
  stop(): Promise<void>;
}

/** A copy of the sources whose package.json says where the project is published. */
async function publishedCopy(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "tidegate-published-"));
  // What is left out is installed, the history, or what VitePress writes.
  const isLeftOut = /(^|\/)(node_modules|\.git|\.vitepress\/(cache|temp|dist))$/;
  await cp(root, copy, { recursive: true, filter: (path) => !isLeftOut.test(relative(root, path)) });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  await writeFile(join(copy, "package.json"), JSON.stringify({ ...manifest, ...published }));
  return copy;
}

/** Builds the site, and serves it as a host of pages does. @param isPublished whether package.json has addresses. */
export async function buildSite(isPublished = false): Promise<BuiltSite> {
  const from = isPublished ? await publishedCopy() : root;
  const base = isPublished ? new URL(published.homepage).pathname : "/";
  const folder = await mkdtemp(join(tmpdir(), "tidegate-site-"));
  const vitepress = join(dirname(createRequire(import.meta.url).resolve("vitepress/package.json")), "bin/vitepress.js");
  await promisify(execFile)(process.execPath, [vitepress, "build", "docs", "--outDir", folder], { cwd: from });
  if (isPublished) await rm(from, { recursive: true });
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
    base,
    url: server.url + base,
    pages: new Map(addresses.map((address, at) => [address, texts[at] ?? ""])),
    has: (address) => fileOf(address) !== undefined,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}
