import type { DrainReport } from "../core/drain/report.ts";
import { jsonIn } from "../core/shared/json.ts";

export interface Drained {
  /** How many jobs and schedules it took. Undefined if it does not say so. */
  readonly took?: number | undefined;
  /** How far the clock of the app is ahead, to the second. Undefined if it does not say so. */
  readonly clockAheadMs?: number | undefined;
  /** What is wrong and what to do, in one line. */
  readonly problem?: string;
  /** Whether nothing was drained, so that it is worth trying again soon. */
  readonly isFailed: boolean;
}

/** A bearer token for the drain route, and where it stands: "CRON_SECRET in .env.local". */
export interface DrainToken {
  readonly value: string;
  readonly source: string;
}

export class DrainCalls {
  readonly #url: URL;
  readonly #readToken: () => Promise<DrainToken | undefined>;
  #method: "POST" | "GET" = "POST";

  constructor(url: URL, readToken: () => Promise<DrainToken | undefined>) {
    this.#url = new URL(url);
    // Whatever falls due is called for. A call that lingers would keep others waiting.
    this.#url.searchParams.set("linger", "0s");
    this.#readToken = readToken;
  }

  /** Calls the route; again if it takes only GET, or is being reloaded. Rejects only if the signal is aborted. */
  async call(signal: AbortSignal, isAgain = false): Promise<Drained> {
    const token = await this.#readToken();
    const headers = { ...(token && { Authorization: `Bearer ${token.value}` }) };
    try {
      // A redirect would turn POST into GET, and pass the token on.
      const response = await fetch(this.#url, { method: this.#method, headers, redirect: "manual", signal });
      if (response.status === 405 && this.#method === "POST") {
        this.#method = "GET";
        await response.body?.cancel();
        return await this.call(signal);
      }
      const answer = await jsonOf(response);
      // So wrangler dev answers, in plain text, when it reloads the Worker during a request.
      if (response.status === 503 && answer === undefined && !isAgain) return await this.call(signal, true);
      return this.#read(response, answer, token?.source);
    } catch {
      signal.throwIfAborted();
      return failed(`No app responds at ${this.#url.origin}. Waiting until one does.`);
    }
  }

  #read({ status, headers }: Response, answer: unknown, source: string | undefined): Drained {
    const where = `${this.#url.pathname} of the app`;
    if (status < 200 || status >= 300) return failed(`${where} ${this.#refusal(status, headers, answer, source)}`);
    const { claimed, rearmed } = (answer ?? {}) as Partial<DrainReport>;
    if (typeof claimed === "number")
      return { isFailed: false, took: claimed + (rearmed ?? 0), clockAheadMs: aheadMsOf(headers) };
    const type = headers.get("content-type")?.replace(/;.*/, "") || "no type";
    const problem =
      `${where} answers ${status} with ${type}, and no drain report. Check the path of --drain. ` +
      "A route of your own returns the report: Response.json(await queue.drain()).";
    return { isFailed: type === "text/html", problem };
  }

  #refusal(status: number, headers: Headers, answer: unknown, source: string | undefined): string {
    if (status >= 300 && status < 400)
      return `redirects (${status})${this.#target(headers)}. Give --drain the address of the drain route itself.`;
    const setToken = "Set TIDEGATE_TOKEN or CRON_SECRET to one with the scope drain or admin.";
    const restart = "A wrangler dev that runs must be restarted to see it.";
    if (status === 401 || status === 403)
      return source
        ? `does not take the token of ${source} (${status}). ${setToken} ${restart}`
        : `wants a token (${status}). ${setToken}`;
    if (status === 404) return "is not there (404). Check the path of --drain.";
    const { detail } = (answer ?? {}) as { readonly detail?: unknown };
    return `fails (${status})${typeof detail === "string" ? `: ${detail}` : ". Its own log says why."}`;
  }

  /** Where a redirect leads, without a query, which can be secret. */
  #target(headers: Headers): string {
    const location = headers.get("location");
    if (!location || !URL.canParse(location, this.#url)) return "";
    const { origin, pathname } = new URL(location, this.#url);
    return ` to ${origin}${pathname}`;
  }
}

function failed(problem: string): Drained {
  return { isFailed: true, problem };
}

function aheadMsOf(headers: Headers): number | undefined {
  const date = headers.get("date");
  return date === null ? undefined : Date.parse(date) - Date.now() || 0;
}

async function jsonOf(response: Response): Promise<unknown> {
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return isJson ? jsonIn(await response.text()) : void (await response.body?.cancel());
}
