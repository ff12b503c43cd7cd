import type { IncomingMessage, ServerResponse } from "node:http";
import chromium from "@sparticuz/chromium";
import { type Browser, type BrowserContextOptions, type Page, chromium as playwright } from "playwright-core";
import { type HttpServer, readBody, serveHttp } from "../support/http-server.ts";

/** Serves what answers requests of the Fetch API on a free local port. */
export function serveFetch(fetch: (request: Request) => Response | Promise<Response>): Promise<HttpServer> {
  return serveHttp(async (incoming, outgoing) => send(await fetch(await requestOf(incoming)), outgoing));
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const { method = "GET", url = "/", headers } = incoming;
  const body = await readBody(incoming);
  const given = Object.entries(headers).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : []));
  return new Request(`http://${headers.host}${url}`, {
    method,
    headers: Object.fromEntries(given),
    ...(body.length > 0 && { body: new Uint8Array(body) }),
  });
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

/** A browser with all that protects its user in force. */
export async function launchBrowser(): Promise<Browser> {
  return playwright.launch({ executablePath: await chromium.executablePath(), args: ["--no-sandbox"] });
}

export interface Watched {
  readonly page: Page;
  /** What the console complained of, broken policies included, but for answers of a status that a test asks for. */
  readonly complaints: string[];
}

/** Opens a page whose clock is moved by hand. */
export async function openPage(browser: Browser, options: BrowserContextOptions & { now: number }): Promise<Watched> {
  const { now, ...rest } = options;
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...rest });
  await context.clock.install({ time: now });
  await context.clock.pauseAt(now + 1);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  page.on("console", (message) => {
    const isAnswer = /^Failed to load resource: the server responded with a status of (401|404|422|503)/.test(
      message.text(),
    );
    if (message.type() === "error" && !isAnswer) complaints.push(message.text());
  });
  return { page, complaints };
}
