import type { RekeyResult } from "../../core/encryption/rekey.ts";
import { TidegateError } from "../../core/shared/errors.ts";
import { count, counted } from "../output/text.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { type AnyQueue, openTarget, refuseUnknownQueue } from "../target.ts";

export function addRekey(session: Session): void {
  addCommand(
    session.program,
    "queue:rekey",
    "encrypt everything with the current key",
    "Encrypts waiting, running, dead and completed jobs, schedules and documents with the current key, in steps. It may " +
      "run beside drains, and be stopped and repeated. Run it again until it has nothing to do, and then remove the old " +
      "key. For Redis itself, TIDEGATE_ENCRYPTION_KEYS has the keys: k2:BASE64,k1:BASE64, the current one first.",
    ["tidegate queue:rekey", "after you have made another key the current one"],
  ).action(async () => {
    const target = await openTarget(session);
    await refuseUnknownQueue(target, session);
    const { rekeyed, locked, left } = await rekeyAll(target.queue, session);
    const done = `Encrypted ${counted(rekeyed, "record")} with the current key.`;
    if (locked > 0)
      throw new TidegateError(
        "conflict",
        `${rekeyed > 0 ? `${done} ` : ""}${counted(locked, "record")} cannot be read: ${locked === 1 ? "its key is" : "their keys are"} missing, or not the one with which ${locked === 1 ? "it was" : "they were"} encrypted. Keep the old keys, give them to the queue, and run this again.`,
      );
    const again = `Left: ${counted(left, "record")}, changed meanwhile or of a running job. Run this again.`;
    session.print({ rekeyed, locked, left }, () => {
      if (left > 0) return `${done} ${again}`;
      return rekeyed > 0 ? done : "Nothing to do: everything is encrypted with the current key.";
    });
  });
}

async function rekeyAll(queue: AnyQueue, session: Session): Promise<Omit<RekeyResult, "cursor">> {
  const line = session.liveLine();
  let rekeyed = 0;
  let locked = 0;
  let left = 0;
  let cursor: string | undefined;
  try {
    do {
      line.show(`Encrypting ${cursor?.replace(/:.*/s, "") ?? "scheduled"} ... ${count(rekeyed)} so far`);
      const step = await queue.rekey({ cursor });
      rekeyed += step.rekeyed;
      locked += step.locked;
      left += step.left;
      cursor = step.cursor ?? undefined;
    } while (cursor !== undefined);
  } finally {
    line.clear();
  }
  return { rekeyed, locked, left };
}
