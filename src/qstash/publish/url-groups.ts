import { notFound } from "../../core/shared/errors.ts";
import { checkName, type Documents } from "../shared/documents.ts";

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
