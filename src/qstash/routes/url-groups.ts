import { invalidRequest } from "../../core/shared/errors.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { readJsonBody, route } from "../api/call.ts";
import { type Endpoint, findGroup, GROUPS, type UrlGroup, unknownGroup } from "../publish/url-groups.ts";
import { checkName } from "../shared/documents.ts";

const LARGEST_REQUEST = 512 * 1024;
/** One call stores the messages for all endpoints of a group. */
const MOST_ENDPOINTS = 100;

export const urlGroupRoutes = [
  // Adds endpoints to a group, or creates it. Replaces an endpoint with the same URL.
  route("POST topics/:name/endpoints", async ({ request, target: name, documents, settings, now }) => {
    checkName(name, "The name of a URL group");
    const added = (await readEndpoints(request)).map(({ url = "", name }) =>
      withoutUndefined({ url: settings.targets.read(url, "url of an endpoint"), name }),
    );
    await documents.update<UrlGroup>(GROUPS, name, (group) => {
      const urls = new Map([...(group?.endpoints ?? []), ...added].map((endpoint) => [endpoint.url, endpoint]));
      const endpoints = [...urls.values()];
      const names = endpoints.flatMap((endpoint) => endpoint.name ?? []);
      if (new Set(names).size < names.length)
        throw invalidRequest("Two endpoints of a group must not have the same name.");
      if (endpoints.length > MOST_ENDPOINTS)
        throw invalidRequest(`A URL group has at most ${MOST_ENDPOINTS} endpoints.`);
      return { value: { createdAt: group?.createdAt ?? now, updatedAt: now, endpoints } };
    });
  }),
  // Removes endpoints by name or URL. A group without endpoints stays.
  route("DELETE topics/:name/endpoints", async ({ request, target: name, documents, now }) => {
    checkName(name, "The name of a URL group");
    const removed = await readEndpoints(request);
    const isRemoved = (endpoint: Endpoint) =>
      removed.some((each) => endpoint.url === each.url || (each.name !== undefined && endpoint.name === each.name));
    await documents.update<UrlGroup>(GROUPS, name, (group) => {
      if (!group) throw unknownGroup();
      const endpoints = group.endpoints.filter((endpoint) => !isRemoved(endpoint));
      return { value: { ...group, updatedAt: now, endpoints } };
    });
  }),
  route("GET topics", async ({ documents }) =>
    (await documents.all<UrlGroup>(GROUPS)).map(({ name, value }) => ({ name, ...value })),
  ),
  route("GET topics/:name", async ({ target: name, documents }) => ({ name, ...(await findGroup(documents, name)) })),
  // The waiting messages of the group are still delivered.
  route("DELETE topics/:name", async ({ target: name, documents }) => {
    await findGroup(documents, name);
    await documents.change([{ kind: GROUPS, name, value: undefined }]);
  }),
];

async function readEndpoints(request: Request): Promise<readonly Partial<Endpoint>[]> {
  const { endpoints } = Object(await readJsonBody(request, LARGEST_REQUEST)) as { readonly endpoints?: unknown };
  const isText = (value: unknown) => value === undefined || (typeof value === "string" && value !== "");
  const isEndpoint = (value: unknown): value is Partial<Endpoint> => {
    const { url, name } = Object(value) as Partial<Endpoint>;
    return isText(url) && isText(name) && (url ?? name) !== undefined;
  };
  if (!Array.isArray(endpoints) || endpoints.length === 0 || !endpoints.every(isEndpoint))
    throw invalidRequest("endpoints must be an array of { url, name }.");
  return endpoints;
}
