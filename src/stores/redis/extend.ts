import { leaseScore } from "../../core/store/score.ts";
import { type QueueStore, renewedLease } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { escaped, flowHead } from "./flow.ts";
import { mostOfExtend } from "./most-commands.ts";
import * as scripts from "./scripts.generated.ts";

export function extendCalls(caller: Caller): Pick<QueueStore, "extend"> {
  return {
    async extend(renewals) {
      const extended = renewals.map(({ lease, endsAt }) => renewedLease(lease, endsAt));
      const rest = renewals.flatMap(({ lease, record }, index) => [
        ...[lease.id, String(leaseScore(lease)), String(leaseScore(extended[index] ?? lease))],
        record === undefined ? "" : flowHead(lease.flow) + record,
        lease.bornAs ?? "",
        lease.isOfRun && lease.flow && !extended[index]?.isOfRun ? escaped(lease.flow.key) : "",
      ]);
      const most = mostOfExtend(renewals.length, renewals.filter(({ lease }) => lease.isOfRun).length);
      const areDone = await caller.areDone(scripts.extend, [caller.newNonce(), ...rest], { most });
      return { leases: extended.map((lease, index) => (areDone[index] ? lease : null)) };
    },
  };
}
