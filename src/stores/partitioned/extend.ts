import { OutOfBudgetError, sumOf } from "../../core/store/meter.ts";
import type { ExtendReply, LeaseRenewal } from "../../core/store/store.ts";
import type { Parts } from "./parts.ts";

/** Extends leases, each in its part. @throws {OutOfBudgetError} before the first, if not all fit the budget. */
export async function extend(parts: Parts, renewals: readonly LeaseRenewal[]): Promise<ExtendReply> {
  const partOf = ({ lease }: LeaseRenewal) => parts.of(lease.id);
  const groups = parts.group(renewals, partOf);
  const [first = 0] = groups.keys();
  if (groups.size < 2) return parts.at(first).extend(renewals);
  const mostOf = (part: number) => parts.at(part).local.mostOfExtend(groups.get(part)?.length ?? 0);
  if (parts.meter?.allows?.([...groups.keys()].map(mostOf).reduce(sumOf)) === false) throw new OutOfBudgetError();
  const held = parts.holdRoom(groups.keys(), mostOf);
  const failures: unknown[] = [];
  const leases = await parts.each(renewals, partOf, async (part, some) => {
    held.get(part)?.();
    try {
      return (await parts.at(part).extend(some)).leases;
    } catch (error) {
      failures.push(error);
      return [];
    }
  });
  return { leases, ...(failures.length > 0 && { failure: failures[0] }) };
}
