import { memoryStore, Queue, type Store, TidegateError } from "tidegate";
import { type CloudflareOptions, cloudflarePaid, createWorker, type ExecutionContext } from "tidegate/cloudflare";
import { dashboard } from "tidegate/dashboard";
import type { QStash } from "tidegate/http";
import { upstashStore } from "tidegate/upstash";
import { jobs } from "./jobs.ts";
import { welcome } from "./welcome.ts";

export interface Env {
  readonly UPSTASH_REDIS_REST_URL?: string;
  readonly UPSTASH_REDIS_REST_TOKEN?: string;
  /** Each holds one token, or several separated by commas while you replace one. */
  readonly TIDEGATE_ENQUEUE_TOKEN?: string;
  readonly TIDEGATE_DRAIN_TOKEN?: string;
  readonly TIDEGATE_READ_TOKEN?: string;
  readonly TIDEGATE_ADMIN_TOKEN?: string;
  /** "1" opens the Worker to everybody and makes Redis optional. Only `npm start` sets it. */
  readonly TIDEGATE_LOCAL?: string;
}

// At module scope, so that all requests of the isolate share it: this keeps the jobs of a local run.
const memory = memoryStore();

/** What a local run serves besides the demo. */
export interface LocalParts {
  readonly qstash: QStash;
  /** What the first screen says about it. */
  readonly welcome: (origin: string) => string;
}

/** Makes the demo Worker. @param local what it serves only in a local run. Default: nothing more. */
export function createDemo(local?: LocalParts): ReturnType<typeof createWorker<Env>> {
  const worker = createWorker((env: Env) => optionsOf(env, local));
  return {
    ...worker,
    async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
      const { origin, pathname, hostname } = new URL(request.url);
      if (env.TIDEGATE_LOCAL === "1" && !isThisMachine(hostname)) return refuseHost();
      const response = await worker.fetch(request, env, context);
      // Without its settings, the Worker refuses every request with 503.
      if (pathname !== "/" || response.status === 503) return response;
      return new Response(welcome(origin, storeName(env)) + (local?.welcome(origin) ?? ""));
    },
  };
}

function optionsOf(env: Env, local: LocalParts | undefined): CloudflareOptions {
  const isLocal = env.TIDEGATE_LOCAL === "1";
  if (!isLocal) checkDeployment(env);
  const qstash = isLocal ? local?.qstash : undefined;
  return {
    queue: new Queue({ store: storeFor(env, isLocal), jobs: [...jobs, ...(qstash?.jobs ?? [])] }),
    auth: isLocal ? "none" : tokensOf(env),
    dashboard: dashboard(),
    ...(qstash && { qstash }),
    // The trigger fires each minute and lingers as long, so that no due job waits for the next one.
    scheduled: { ...cloudflarePaid, linger: "60s" },
  };
}

/**
 * Whether a name can only mean this machine. A page could make any other name resolve to it (DNS rebinding). Its
 * requests would then come from your own browser, and from the same site.
 */
function isThisMachine(hostname: string): boolean {
  return /^(([^.]+\.)*localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

function refuseHost(): Response {
  const detail = "A local run only answers to localhost, 127.0.0.1 and [::1].";
  const problem = { status: 403, title: "Forbidden", detail, code: "forbidden" };
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store" },
  });
}

function storeFor(env: Env, isLocal: boolean): Store {
  const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: token = "" } = env;
  return isLocal && !url && !token ? memory : upstashStore({ url, token });
}

function storeName(env: Env): string {
  return env.UPSTASH_REDIS_REST_URL ? "Redis" : "memory, and are gone when the Worker stops";
}

function tokensOf(env: Env): { enqueue: string[]; drain: string[]; read: string[]; admin: string[] } {
  return {
    enqueue: split(env.TIDEGATE_ENQUEUE_TOKEN),
    drain: split(env.TIDEGATE_DRAIN_TOKEN),
    read: split(env.TIDEGATE_READ_TOKEN),
    admin: split(env.TIDEGATE_ADMIN_TOKEN),
  };
}

function split(tokens = ""): string[] {
  return tokens
    .split(",")
    .map((token) => token.trim())
    .filter((token) => token !== "");
}

/** @throws {TidegateError} if Redis or the tokens are missing: a deployed Worker must not be open. */
function checkDeployment(env: Env): void {
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = env;
  const hasToken = Object.values(tokensOf(env)).some((tokens) => tokens.length > 0);
  const required = {
    UPSTASH_REDIS_REST_URL,
    UPSTASH_REDIS_REST_TOKEN,
    "TIDEGATE_ADMIN_TOKEN (or TIDEGATE_ENQUEUE_TOKEN, TIDEGATE_DRAIN_TOKEN, TIDEGATE_READ_TOKEN)": hasToken,
  };
  const missing = Object.entries(required).filter(([, value]) => !value);
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name).join(", ");
  throw new TidegateError("invalid_request", `Not set: ${names}. Set each with: npx wrangler secret put NAME`);
}
