import { notFound } from "../../core/shared/errors.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import type { Message } from "../messages/message.ts";
import { checkName, type Documents } from "../shared/documents.ts";
import { isUrl } from "./publish-options.ts";

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

export async function findGroup(documents: Documents, name: string): Promise<UrlGroup> {
  checkName(name, "The name of a URL group");
  const found = await documents.get<UrlGroup>(GROUPS, name);
  if (!found) throw unknownGroup();
  return found.value;
}

export function unknownGroup(): Error {
  return notFound("No URL group has this name.");
}

export type TopicPart = Pick<Message, "url" | "topicName" | "endpointName">;

/** What a destination gives each of its messages. @throws {TidegateError} `not_found` if it is an unknown group */
export async function partsOf(documents: Documents, destination: string): Promise<readonly TopicPart[]> {
  if (isUrl(destination)) return [{ url: destination }];
  const { endpoints } = await findGroup(documents, destination);
  return endpoints.map(({ url, name }) => withoutUndefined({ url, topicName: destination, endpointName: name }));
}
