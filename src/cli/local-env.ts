import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EnvFile } from "../dev/env-file.ts";
import { HOST } from "../dev/start.ts";
import type { Io } from "./io.ts";

const names = ["TIDEGATE_URL", "TIDEGATE_TOKEN", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"] as const;

/** The variables that name a queue beside `tidegate dev`, and the file that has them. Undefined if there is none. */
export async function localEnv(cwd: string): Promise<{ readonly env: Io["env"]; readonly file: string } | undefined> {
  const kept = await readFile(join(cwd, ".tidegate/dev.json"), "utf8")
    .then((text) => JSON.parse(text) as { readonly restPort?: number; readonly restToken?: string })
    .catch(() => undefined);
  if (kept?.restPort && kept.restToken) {
    const env = {
      UPSTASH_REDIS_REST_URL: `http://${HOST}:${kept.restPort}`,
      UPSTASH_REDIS_REST_TOKEN: kept.restToken,
    };
    return { env, file: ".tidegate" };
  }
  for (const file of [".dev.vars", ".env.local"]) {
    const found = await EnvFile.open(join(cwd, file)).catch(() => undefined);
    const env = Object.fromEntries(names.map((name) => [name, found?.get(name)]));
    if (env["TIDEGATE_URL"] || env["UPSTASH_REDIS_REST_URL"]) return { env, file };
  }
  return undefined;
}
