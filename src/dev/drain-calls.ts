import { connect, type Reply, read, type Send } from "../client/transport.ts";
import type { DrainedAttempts } from "../core/drain/attempts.ts";
import type { DrainReport } from "../core/drain/report.ts";

/** What an app has answered to a call of its drain route. */
export type Drained =
  | {
      readonly isReached: true;
      /** Undefined if the route answers something else. */
      readonly report: (DrainReport & Partial<DrainedAttempts>) | undefined;
    }
  | {
      readonly isReached: false;
      /** What is wrong and what to do, in one line. */
      readonly reason: string;
      /** Whether nothing listens there, so that it costs nothing to try again soon. */
      readonly isAway: boolean;
    };

/** Calls the drain route of an app, as a cron does. */
export class DrainCalls {
  readonly #url: URL;
  readonly #token: string | undefined;
  readonly #send: Send;
  #method: "POST" | "GET" = "POST";
  #isListed = true;
  #redirect: string | undefined;

  /** @param token sent as a bearer token. */
  constructor(url: URL, token: string | undefined) {
    this.#url = url;
    this.#token = token;
    // The address is the route's own, whatever path it has.
    const fetchRoute = async (request: Request) => {
      const response = await fetch(new Request(url, request));
      this.#redirect = response.headers.get("location") ?? undefined;
      return response;
    };
    this.#send = connect({ url, ...(token && { token }), fetch: fetchRoute });
  }

  /** Calls the route once; a second time if it takes only GET, or does not list attempts. Never rejects. */
  async call(): Promise<Drained> {
    const reply = await this.#sent();
    const [status, answer] = reply;
    const code = (answer as { readonly code?: unknown } | null | undefined)?.code;
    if (status === 405 && this.#method === "POST") {
      this.#method = "GET";
      return this.call();
    }
    // A token with the scope drain may not read, and an earlier version knows no lists.
    if (
      this.#isListed &&
      ((status === 403 && code === "forbidden") || (status === 400 && code === "invalid_request"))
    ) {
      this.#isListed = false;
      return this.call();
    }
    if (status >= 200 && status < 300) return { isReached: true, report: await reportOf(reply) };
    return { isReached: false, reason: this.#reason(status, answer), isAway: status === 0 };
  }

  #sent(): Promise<Reply> {
    const body = this.#method === "GET" ? undefined : JSON.stringify(this.#isListed ? { attempts: true } : {});
    return this.#send(this.#method, "", body);
  }

  #reason(status: number, answer: unknown): string {
    const { origin, pathname } = this.#url;
    if (status === 0) return `No app answers at ${origin}. Waiting until one does.`;
    const where = `${pathname} of the app`;
    if (status >= 300 && status < 400)
      return `${where} redirects (${status})${this.#target()}. Give --drain the address of the drain route itself.`;
    if (status === 401 || status === 403)
      return this.#token === undefined
        ? `${where} wants a token (${status}). Set TIDEGATE_TOKEN or CRON_SECRET to one with the scope drain or admin.`
        : `${where} does not take the token (${status}). Set TIDEGATE_TOKEN or CRON_SECRET to one with the scope drain or admin.`;
    if (status === 404) return `${where} is not there (404). Check the path of --drain.`;
    const { detail } = (answer ?? {}) as { readonly detail?: unknown };
    return `${where} fails (${status})${typeof detail === "string" ? `: ${detail}` : ". Its own log says why."}`;
  }

  /** Where a redirect leads, without a query, which can be secret. */
  #target(): string {
    if (!this.#redirect || !URL.canParse(this.#redirect, this.#url)) return "";
    const { origin, pathname } = new URL(this.#redirect, this.#url);
    return ` to ${origin}${pathname}`;
  }
}

async function reportOf(reply: Reply): Promise<DrainReport | undefined> {
  return read<DrainReport>("claimed", reply).catch(() => undefined);
}
