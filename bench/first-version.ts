import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// run.mjs has built the first version from this repository's history, unless this is a copy without a history.
const folder = join(import.meta.dirname, "first");

export const hasFirstVersion = existsSync(folder);

/** A module of the first version, as the present one would type it. */
export async function fromFirstVersion<Module>(name: "index" | "upstash" | "redis"): Promise<Module> {
  return import(pathToFileURL(join(folder, `${name}.mjs`)).href) as Promise<Module>;
}
