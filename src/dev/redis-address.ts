/** Where a Redis is, and who connects to it. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  /** Whether it expects TLS. Default false. */
  readonly secure?: boolean;
  readonly username?: string;
  readonly password?: string;
  /** The number of its database. Default 0. */
  readonly database?: number;
}

/** Whether an address names a Redis over TCP. */
export function isRedisUrl(text: string): boolean {
  return /^rediss?:\/\//i.test(text);
}

const USUAL_PORT = 6379;

/**
 * Reads an address such as `redis://user:password@localhost:6379/0`, or `rediss://` with TLS. Undefined if it is none.
 */
export function readRedisUrl(text: string): RedisAddress | undefined {
  if (!isRedisUrl(text) || !URL.canParse(text)) return undefined;
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
  const database = pathname.replace(/^\//, "");
  if (hostname === "" || search !== "" || hash !== "" || !/^\d{0,5}$/.test(database)) return undefined;
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? USUAL_PORT : Number(port),
    secure: protocol === "rediss:",
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
    ...(database !== "" && { database: Number(database) }),
  };
}

/** The address without what is secret: "localhost:6379". */
export function placeOf({ host, port }: RedisAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The same URL without its user and password. */
export function withoutAccess(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/]*@/, "$1");
}
