import { count, counted } from "../output/text.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { type AnyQueue, openTarget } from "../target.ts";

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
    const { queue } = await openTarget(session);
    const rekeyed = await rekeyAll(queue, session);
    session.print({ rekeyed }, () =>
      rekeyed > 0
        ? `Encrypted ${counted(rekeyed, "record")} with the current key.`
        : "Nothing to do: everything is encrypted with the current key.",
    );
  });
}

async function rekeyAll(queue: AnyQueue, session: Session): Promise<number> {
  const line = session.liveLine();
  let rekeyed = 0;
  let cursor: string | undefined;
  try {
    do {
      line.show(`Encrypting ${cursor?.replace(/:.*/s, "") ?? "scheduled"} ... ${count(rekeyed)} so far`);
      const step = await queue.rekey({ cursor });
      rekeyed += step.rekeyed;
      cursor = step.cursor ?? undefined;
    } while (cursor !== undefined);
  } finally {
    line.clear();
  }
  return rekeyed;
}
