import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EnvFile } from "../dev/env-file.ts";
import { HOST } from "../dev/start.ts";
import type { Io } from "./io.ts";
import type { Session } from "./session.ts";

const names = ["TIDEGATE_URL", "TIDEGATE_TOKEN", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"] as const;

/** Takes the variables that name a queue beside `tidegate dev`, and says from where. */
export async function findEnv(session: Session): Promise<void> {
  const { cwd } = session.io;
  const take = (env: Io["env"], file: string) => {
    session.env = { ...session.env, ...env };
    session.note(`Using the queue of ${file}.`);
  };
  const kept = await readFile(join(cwd, ".tidegate/dev.json"), "utf8")
    .then((text) => JSON.parse(text) as { readonly restPort?: number; readonly restToken?: string })
    .catch(() => undefined);
  if (kept?.restPort && kept.restToken) {
    session.isOfDev = true;
    const url = `http://${HOST}:${kept.restPort}`;
    return take({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: kept.restToken }, ".tidegate");
  }
  for (const file of [".dev.vars", ".env.local"]) {
    const found = await EnvFile.open(join(cwd, file)).catch(() => undefined);
    const env = Object.fromEntries(names.map((name) => [name, found?.get(name)]));
    if (env["TIDEGATE_URL"] || env["UPSTASH_REDIS_REST_URL"]) return take(env, file);
  }
}
