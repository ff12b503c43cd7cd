import { leaseScore } from "../../core/store/score.ts";
import { type LeaseRenewal, possibleLeases, type QueueStore, renewedLease } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { escaped, flowHead } from "./flow.ts";
import * as scripts from "./scripts.generated.ts";

export function extendCalls(caller: Caller): Pick<QueueStore, "extend"> {
  return {
    async extend(renewals) {
      const nonce = caller.newNonce();
      let sends = 0;
      const args = () => {
        sends++;
        return [nonce, ...renewals.flatMap((renewal) => renewalArguments(renewal, sends))];
      };
      const areDone = await caller.areDone(scripts.extend, args);
      const leases = renewals.map(({ lease, endsAt }) => renewedLease(lease, endsAt + sends - 1));
      return { leases: leases.map((lease, index) => (areDone[index] ? lease : null)) };
    },
  };
}

/** @param sends how often the request was sent, this time included. */
function renewalArguments({ lease, endsAt, record }: LeaseRenewal, sends: number): string[] {
  const renewed = renewedLease(lease, endsAt + sends - 1);
  const [held, ...others] = possibleLeases(lease).map(leaseScore);
  const ofSends = Array.from({ length: sends }, (_, send) => leaseScore(renewedLease(lease, endsAt + send)));
  return [
    ...[lease.id, String(held), [...others, ...ofSends].join(","), String(leaseScore(renewed))],
    record === undefined ? "" : flowHead(lease.flow) + record,
    lease.bornAs ?? "",
    lease.isOfRun && lease.flow && !renewed.isOfRun ? escaped(lease.flow.key) : "",
  ];
}
