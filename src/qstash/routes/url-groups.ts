import { invalidRequest } from "../../core/shared/errors.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { type QStashCall, readJsonBody } from "../api/call.ts";
import {
  addEndpoints,
  allGroups,
  checkGroupName,
  type Endpoint,
  findGroup,
  GROUPS,
  removeEndpoints,
} from "../publish/url-groups.ts";
import { route } from "./route.ts";

const LARGEST_REQUEST = 512 * 1024;

export const urlGroupRoutes = [
  route("POST topics/:name/endpoints", async (call) => {
    const { target, documents, settings, queue } = call;
    checkGroupName(target);
    const endpoints = (await readEndpoints(call)).map(({ url, name }) =>
      withoutUndefined({ url: settings.targets.read(url ?? "", "url of an endpoint"), name }),
    );
    await addEndpoints(documents, target, endpoints, queue.clock());
  }),
  route("DELETE topics/:name/endpoints", async (call) => {
    checkGroupName(call.target);
    await removeEndpoints(call.documents, call.target, await readEndpoints(call), call.queue.clock());
  }),
  route("GET topics", ({ documents }) => allGroups(documents)),
  route("GET topics/:name", async ({ target: name, documents }) => ({ name, ...(await findGroup(documents, name)) })),
  // The waiting messages of the group are still delivered.
  route("DELETE topics/:name", async ({ target: name, documents }) => {
    await findGroup(documents, name);
    await documents.change([{ kind: GROUPS, name, text: undefined }]);
  }),
];

async function readEndpoints({ request }: QStashCall): Promise<readonly Partial<Endpoint>[]> {
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
