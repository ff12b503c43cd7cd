import { invalidRequest, notFound } from "../../core/shared/errors.ts";
import { pagesOf } from "../../core/shared/pages.ts";
import type { Documents } from "../shared/documents.ts";
import { checkName } from "../shared/names.ts";

export interface Endpoint {
  readonly url: string;
  readonly name?: string;
}

/** A URL group. A message to it goes to all of its endpoints. */
export interface UrlGroup {
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly endpoints: readonly Endpoint[];
}

/** The kind of the documents of groups. */
export const GROUPS = "qstash/group";

/** One call stores the messages for all endpoints of a group. */
const MOST_ENDPOINTS = 100;

export function checkGroupName(name: string): void {
  checkName(name, "The name of a URL group");
}

function readGroup(text: string): UrlGroup {
  return JSON.parse(text) as UrlGroup;
}

/** All groups, sorted by name. */
export async function allGroups(documents: Documents): Promise<readonly (UrlGroup & { readonly name: string })[]> {
  const groups = [];
  for await (const { items } of pagesOf((cursor) => documents.list(GROUPS, { cursor, limit: 1_000 })))
    groups.push(...items.map(({ name, text }) => ({ name, ...readGroup(text) })));
  return groups;
}

export async function findGroup(documents: Documents, name: string): Promise<UrlGroup> {
  checkGroupName(name);
  const found = await documents.get(GROUPS, name);
  if (!found) throw notFound("No URL group has this name.");
  return readGroup(found.text);
}

/** Adds endpoints to a group, or creates it. Replaces an endpoint with the same URL. */
export async function addEndpoints(
  documents: Documents,
  name: string,
  added: readonly Endpoint[],
  now: number,
): Promise<void> {
  await documents.update(GROUPS, name, (text) => {
    const before = text === undefined ? { createdAt: now, endpoints: [] } : readGroup(text);
    const urls = new Map([...before.endpoints, ...added].map((endpoint) => [endpoint.url, endpoint]));
    const endpoints = [...urls.values()];
    const names = endpoints.flatMap((endpoint) => endpoint.name ?? []);
    if (new Set(names).size < names.length)
      throw invalidRequest("Two endpoints of a group must not have the same name.");
    if (endpoints.length > MOST_ENDPOINTS) throw invalidRequest(`A URL group has at most ${MOST_ENDPOINTS} endpoints.`);
    return JSON.stringify({ createdAt: before.createdAt, updatedAt: now, endpoints });
  });
}

/** Removes endpoints by name or URL. A group without endpoints stays. @throws {TidegateError} `not_found` */
export async function removeEndpoints(
  documents: Documents,
  name: string,
  removed: readonly Partial<Endpoint>[],
  now: number,
): Promise<void> {
  const isRemoved = (endpoint: Endpoint) =>
    removed.some(({ url, name: wanted }) => endpoint.url === url || (wanted !== undefined && endpoint.name === wanted));
  await documents.update(GROUPS, name, (text) => {
    if (text === undefined) throw notFound("No URL group has this name.");
    const { createdAt, endpoints } = readGroup(text);
    const rest = endpoints.filter((endpoint) => !isRemoved(endpoint));
    return JSON.stringify({ createdAt, updatedAt: now, endpoints: rest });
  });
}
