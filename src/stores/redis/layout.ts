import type { QueueStore, Spread } from "../../core/store/store.ts";
import { earlierPartitions } from "../wrong-partitions.ts";
import type { Caller } from "./caller.ts";
import { earlierKeysOf } from "./keys.ts";
import { mostOfPartitions } from "./most-commands.ts";
import { readLayout, writeEarlier, writeSpread } from "./spread.ts";

export function layoutCalls(caller: Caller): Pick<QueueStore, "partitions"> {
  return {
    async partitions(wanted) {
      if (!wanted) return readLayout(await caller.layoutText());
      const [spread, earlier] = [writeSpread(wanted), writeEarlier(wanted)];
      const stored = await caller.layoutText(spread);
      if (stored !== earlier || !affordsSearch(caller, wanted)) return readLayout(stored);
      await refuseEarlierKeys(caller, wanted);
      return readLayout(await caller.layoutText(spread, earlier));
    },
  };
}

/** Whether the budget has room to search for the keys of earlier versions. If not, a later call does. */
function affordsSearch({ meter }: Caller, { partitions }: Spread): boolean {
  return meter?.allows?.({ roundTrips: 2, commands: partitions + mostOfPartitions }) !== false;
}

/** Refuses a queue with jobs, schedules or dead jobs under names that this version does not read. */
async function refuseEarlierKeys(caller: Caller, { partitions }: Spread): Promise<void> {
  const parts = Array.from({ length: partitions }, (_, partition) => earlierKeysOf(caller.keys, partition));
  const counts = await caller.plain(...parts.map(({ due, dead }) => ["EXISTS", due, dead]));
  const found = parts.find((_, partition) => Number(counts[partition]) > 0);
  if (found) throw earlierPartitions(caller.keys.queue, found.due);
}
