import type { AttemptHost } from "../core/attempt/context.ts";
import { findFailures } from "../core/manage/failures.ts";
import type { StoredMessage } from "./message.ts";

/** What somebody has seen of a group of failures. */
export type Seen = Pick<StoredMessage, "count" | "lastAt">;

/** What a message says of a group now; undefined if none of its jobs is dead. */
export async function readGroup(
  group: string,
  { needs }: Pick<AttemptHost, "needs">,
): Promise<StoredMessage | undefined> {
  const found = await findFailures(needs.store, group, needs.clock());
  if (!found) return undefined;
  const { name, error, count, firstAt, lastAt } = found;
  return { type: "failures", group, name, error, count, firstAt: firstAt.toISOString(), lastAt: lastAt.toISOString() };
}

/** Whether jobs have died since. A death may be stored after a later one. */
export function hasGrown(found: Seen, seen: Seen): boolean {
  return found.count > seen.count || (found.lastAt ?? "") > (seen.lastAt ?? "");
}
