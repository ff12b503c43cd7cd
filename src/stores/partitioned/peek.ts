import { TidegateError } from "../../core/shared/errors.ts";
import type { PeekReply } from "../../core/store/store.ts";
import { isUnavailable, unlessLate } from "./partial-replies.ts";
import type { Parts } from "./parts.ts";

/** Reads what is due next in all parts. It goes on without parts that fail or are late, unless all of them are. */
export async function peek(parts: Parts, now: number, first = parts.at(0).peek(now)): Promise<PeekReply> {
  const { unreachable } = parts.outlooks;
  const replied = new Set<number>();
  const failures: unknown[] = [];
  let isEmptied: boolean | undefined;
  const peeks = [first, ...parts.all.slice(1).map((part) => part.peek(now))].map(async (asked, part) => {
    try {
      const reply = await asked;
      parts.checkIfEmptied(part, reply);
      isEmptied ||= reply.isEmptied;
      replied.add(part);
      parts.outlooks.learn(part, reply);
    } catch (error) {
      failures.push(error);
      throw error;
    }
  });
  await unlessLate(peeks);
  const refusal = failures.find((error) => !isUnavailable(error));
  if (refusal !== undefined) throw refusal;
  const silent = [...peeks.keys()].filter((part) => !replied.has(part));
  for (const part of silent) unreachable.add(part);
  const [failure = notInTime()] = failures;
  if (replied.size === 0) throw failure;
  return { ...parts.outlooks.nextDue(0), ...(silent.length > 0 && { failure }), ...(isEmptied && { isEmptied }) };
}

/** As `peek`, together with the manifest, which is in the first part. */
export async function peekWithManifest(parts: Parts, now: number) {
  let manifest: string | undefined | null = null;
  const first = parts.at(0).peekWithManifest(now);
  const noting = first.then((found) => {
    manifest = found.manifest;
    return found;
  });
  const reply = await peek(parts, now, noting);
  return { ...reply, manifest };
}

function notInTime(): TidegateError {
  return new TidegateError("store_unavailable", "A partition of the queue has not answered in time.");
}
