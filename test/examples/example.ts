import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { installedBuild, root } from "../package/built.ts";

/** Compiles a file of `examples/` to run with the built package, as a user's does. Returns the path of the result. */
export async function compileExample(file: string): Promise<string> {
  const outfile = join(await installedBuild(), "examples", file.replace(/\.ts$/, ".js"));
  await build({
    entryPoints: [join(root, "examples", file)],
    outfile,
    bundle: true,
    packages: "external",
    format: "esm",
    target: "es2022",
  });
  return outfile;
}

/** Loads an example that runs with the built package. */
export async function loadExample<Module>(file: string): Promise<Module> {
  return import(/* @vite-ignore */ pathToFileURL(await compileExample(file)).href);
}

/** A request with a JSON body and a token. */
export function jsonRequest(url: string, token: string, body?: unknown): Request {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  return new Request(url, { headers, ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }) });
}
