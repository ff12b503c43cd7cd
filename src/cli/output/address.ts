/** An address without what may open a door: its user, its password, and the values of its query. */
export function withoutCredentials(address: string): string {
  if (!URL.canParse(address)) return "an address that cannot be read";
  const { origin, protocol, host, pathname, search } = new URL(address);
  return `${origin === "null" ? `${protocol}//${host}` : origin}${pathname}${search && "?..."}`;
}
