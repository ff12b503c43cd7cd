import { decoded } from "../api/call.ts";

/**
 * Reads the destination from the path of a request. Some platforms merge its slashes, so "https:/host" means
 * "https://host". The query belongs to the destination.
 */
export function readDestination({ url }: Request, rest: string): string {
  const plain = isUrl(rest) ? rest : decoded(rest);
  return isUrl(plain) ? plain.replace(/^(https?):\/*/i, "$1://") + new URL(url).search : plain;
}

export function isUrl(destination: string): boolean {
  return /^https?:/i.test(destination);
}
