import { invalidRequest, quote } from "../../core/shared/errors.ts";

export interface Targets {
  /** @returns the URL to store, without its fragment. @param what the name for the message: "destination". */
  read(url: string, what: string): string;
}

interface Target {
  /** Without the port, if it stands for every port. */
  readonly origin: string;
  readonly isAnyPort: boolean;
  readonly path: string;
  /** Whether it covers every path that begins with `path`, which then ends with a slash. */
  readonly isPrefix: boolean;
}

/**
 * Hosts are compared whole, in the notation of the URL standard. So an IP address in any notation is the same host, and
 * no private or public host is a target unless it is listed.
 */
export function readTargets(targets: unknown): Targets {
  if (!Array.isArray(targets) || targets.length === 0)
    throw invalidRequest(
      'createQStash needs targets: where messages may go, such as ["https://app.example.com/*"]. Nothing else is called.',
    );
  const known = targets.map((target, index) => readTarget(target, `targets[${index}]`));
  return {
    read(text, what) {
      const url = httpUrl(text);
      if (!url) throw invalidRequest(`The ${what} must be a URL that begins with https:// or http://.`);
      if (hasCredentials(url))
        throw invalidRequest(`The ${what} must not hold a user name or a password. Forward an Authorization header.`);
      if (!known.some((target) => covers(target, url)))
        throw invalidRequest(
          `The ${what} is not among the targets: ${quote(url.origin)} with this path. They are those of createQStash; tidegate dev delivers to this machine alone.`,
        );
      url.hash = "";
      // Receivers compare the signed URL with their own. Most write the bare origin without a slash.
      return url.href === `${text}/` ? text : url.href;
    },
  };
}

/** This machine, with a port that an app chooses anew each time. */
const ANY_LOCAL_PORT = /^(https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])):\*(?=\/)/;

function readTarget(target: unknown, name: string): Target {
  const isAnyPort = typeof target === "string" && ANY_LOCAL_PORT.test(target);
  const url = typeof target === "string" ? httpUrl(target.replace(ANY_LOCAL_PORT, "$1")) : undefined;
  if (!url) throw invalidRequest(`${name} must be a URL such as "https://app.example.com/*".`);
  if (hasCredentials(url) || url.search !== "" || url.hash !== "")
    throw invalidRequest(`${name} must not hold a user name, a password, a query or a fragment.`);
  if (url.host.includes("*"))
    throw invalidRequest(`${name}: "*" may stand only at the end of the path. List each host.`);
  const rest = String(target).replace(/^\w+:\/\/[^/]*/, "");
  if (rest === "")
    throw invalidRequest(`${name} has no path. End it with "/*" for all paths of the host, or with "/" for that one.`);
  const isPrefix = url.pathname.endsWith("/*");
  const path = isPrefix ? url.pathname.slice(0, -1) : url.pathname;
  if (path.includes("*")) throw invalidRequest(`${name}: "*" may stand only at the end of the path, after a slash.`);
  // The URL standard resolves dots, so the target would cover more than it says.
  if (isAmbiguous(path) || isAmbiguous(rest.replace(/\*$/, "")))
    throw invalidRequest(`${name} has an encoded slash, dot or backslash in its path.`);
  return { origin: url.origin, isAnyPort, path, isPrefix };
}

function httpUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}

function hasCredentials({ username, password }: URL): boolean {
  return username !== "" || password !== "";
}

function covers({ origin, isAnyPort, path, isPrefix }: Target, url: URL): boolean {
  if ((isAnyPort ? `${url.protocol}//${url.hostname}` : url.origin) !== origin) return false;
  if (!isPrefix) return url.pathname === path;
  // "/" covers every path, however a server reads it.
  return url.pathname.startsWith(path) && (path === "/" || !isAmbiguous(url.pathname));
}

/** A server may decode a path more than once. */
const MOST_DECODED = 4;

/**
 * Whether a server may read the path as one outside of its prefix: because of encoded slashes, backslashes or dots,
 * dots with parameters as in "..;a", or invalid UTF-8 that old servers read as a slash.
 */
function isAmbiguous(path: string): boolean {
  let decoded = path;
  for (let times = 0; times < MOST_DECODED; times++) {
    const next = decodeAscii(decoded);
    if (next === decoded) break;
    decoded = next;
  }
  const segments = decoded.split("/");
  const isDots = (segment: string) => /^\.{1,2}(?:;|$)/.test(segment);
  const isStable = decodeAscii(decoded) === decoded;
  const hasSlashes = segments.length !== path.split("/").length || /[\\\0]|%c[01]|%u/i.test(decoded);
  return !isStable || hasSlashes || segments.some(isDots);
}

function decodeAscii(path: string): string {
  return path.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
