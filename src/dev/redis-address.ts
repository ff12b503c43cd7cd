export function isRedisUrl(text: string): boolean {
  return /^rediss?:\/\//i.test(text);
}

/** Reads an address such as `redis://user:password@localhost:6379/0`, or `rediss://` with TLS. */
export function readRedisUrl(text: string): URL | undefined {
  if (!isRedisUrl(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const { hostname, pathname, search, hash } = url;
  return hostname !== "" && search === "" && hash === "" && /^\/?\d{0,5}$/.test(pathname) ? url : undefined;
}

export const USUAL_PORT = 6379;

/** The address without what is secret: "localhost:6379". */
export function placeOf({ hostname, port }: URL): string {
  return `${hostname}:${port || USUAL_PORT}`;
}

export function withoutAccess(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/]*@/, "$1");
}
