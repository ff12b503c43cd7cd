import type { Documents } from "../../core/manage/documents.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import { invalidRequest } from "../../core/shared/errors.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { type QStashCall, readJsonBody } from "../api/call.ts";
import { json } from "../api/responses.ts";
import {
  addEndpoints,
  allGroups,
  checkGroupName,
  type Endpoint,
  findGroup,
  GROUPS,
  removeEndpoints,
} from "../publish/url-groups.ts";

const LARGEST_REQUEST = 512 * 1024;

/** `POST /v2/topics/{name}/endpoints` */
export async function postEndpoints(call: QStashCall): Promise<Response> {
  const { host, settings } = call;
  const name = nameOf(call);
  const endpoints = (await readEndpoints(call)).map(({ url, name }) =>
    withoutUndefined({ url: settings.targets.read(url ?? "", "url of an endpoint"), name }),
  );
  await addEndpoints(documentsOf(call), name, endpoints, host.queue.clock());
  return json({});
}

/** `DELETE /v2/topics/{name}/endpoints` */
export async function deleteEndpoints(call: QStashCall): Promise<Response> {
  const name = nameOf(call);
  await removeEndpoints(documentsOf(call), name, await readEndpoints(call), call.host.queue.clock());
  return json({});
}

/** `GET /v2/topics` */
export async function listGroups(call: QStashCall): Promise<Response> {
  return json(await allGroups(documentsOf(call)));
}

/** `GET /v2/topics/{name}` */
export async function getGroup(call: QStashCall): Promise<Response> {
  const name = nameOf(call);
  return json({ name, ...(await findGroup(documentsOf(call), name)) });
}

/** `DELETE /v2/topics/{name}`: its waiting messages are still delivered. */
export async function removeGroup(call: QStashCall): Promise<Response> {
  const name = nameOf(call);
  await findGroup(documentsOf(call), name);
  await documentsOf(call).change([{ kind: GROUPS, name, text: undefined }]);
  return json({});
}

function documentsOf({ host }: QStashCall): Documents {
  return internalsOf(host.queue).documents;
}

function nameOf({ parameters }: QStashCall): string {
  const name = parameters["name"] ?? "";
  checkGroupName(name);
  return name;
}

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
