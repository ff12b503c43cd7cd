import { invalidRequest, quote } from "../../core/shared/errors.ts";

/** Where messages may go. */
export interface Targets {
  /**
   * Reads the URL that a message is to go to.
   *
   * @param what which URL it is, for the message: "destination".
   * @returns the URL as it is stored, without its fragment.
   * @throws {TidegateError} `invalid_request` if it is no URL or leads elsewhere.
   */
  read(url: string, what: string): string;
}

interface Target {
  /** Without the port, if it stands for every port. */
  readonly origin: string;
  readonly isAnyPort: boolean;
  readonly path: string;
  /** Whether it stands for every path that begins with `path`, which then ends with a slash. */
  readonly isPrefix: boolean;
}

/**
 * Reads the targets: each names a scheme, a host, a port and a path, or with "/*" at its end every path below it. On
 * this machine the port may be "*".
 *
 * A host is compared as a whole and as the URL standard writes it. So an address in another notation is the address
 * that it stands for, and no address or name is a target that is not listed, be it private or public.
 *
 * @throws {TidegateError} `invalid_request`; the message names the target.
 */
export function readTargets(targets: unknown): Targets {
  if (!Array.isArray(targets) || targets.length === 0) {
    throw invalidRequest(
      'createQStash needs targets: where messages may go, such as ["https://app.example.com/*"]. Nothing else is called.',
    );
  }
  const known = targets.map((target, index) => readTarget(target, `targets[${index}]`));
  return {
    read(text, what) {
      const url = parse(text);
      if (!url || !isHttp(url)) throw invalidRequest(`The ${what} must be a URL that begins with https:// or http://.`);
      if (hasCredentials(url)) {
        throw invalidRequest(`The ${what} must not hold a user name or a password. Forward an Authorization header.`);
      }
      if (!known.some((target) => covers(target, url))) {
        throw invalidRequest(
          `The ${what} is not among the targets: ${quote(url.origin)} with this path. Add it to the targets of createQStash.`,
        );
      }
      url.hash = "";
      // Receivers compare the signed URL with their own. The bare origin has no path in the words of most.
      return url.href === `${text}/` ? text : url.href;
    },
  };
}

/** This machine, with a port that an app chooses anew each time. */
const ANY_LOCAL_PORT = /^(https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])):\*(?=\/)/;

function readTarget(target: unknown, name: string): Target {
  const isAnyPort = typeof target === "string" && ANY_LOCAL_PORT.test(target);
  const url = typeof target === "string" ? parse(target.replace(ANY_LOCAL_PORT, "$1")) : undefined;
  if (!url || !isHttp(url)) throw invalidRequest(`${name} must be a URL such as "https://app.example.com/*".`);
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
  // The URL standard resolves dots, and then the target would stand for more than it says.
  if (isAmbiguous(path) || isAmbiguous(rest.replace(/\*$/, "")))
    throw invalidRequest(`${name} has an encoded slash, dot or backslash in its path.`);
  return { origin: url.origin, isAnyPort, path, isPrefix };
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function isHttp({ protocol }: URL): boolean {
  return protocol === "https:" || protocol === "http:";
}

function hasCredentials({ username, password }: URL): boolean {
  return username !== "" || password !== "";
}

function covers({ origin, isAnyPort, path, isPrefix }: Target, url: URL): boolean {
  if ((isAnyPort ? `${url.protocol}//${url.hostname}` : url.origin) !== origin) return false;
  if (!isPrefix) return url.pathname === path;
  // Below the root every path is covered, however a server reads it.
  return url.pathname.startsWith(path) && (path === "/" || !isAmbiguous(url.pathname));
}

/** A server may decode a path more than once. */
const MOST_DECODED = 4;

/**
 * Whether a server may read another path in this one, above the prefix that it begins with: encoded slashes,
 * backslashes and dots, dots with parameters as in "..;a", and what is no UTF-8 but a slash to old servers.
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
