import type { StoreMethod } from "../../src/core/store/calls.ts";
import type {
  ExchangeReply,
  ExchangeRequest,
  LeaseRenewal,
  QueueStore,
  SettleReply,
  SettleRequest,
} from "../../src/core/store/store.ts";
import { aroundCalls } from "./around-calls.ts";
import type { Fault } from "./faults.ts";

/**
 * The effect of a fault: the request is lost, its answer is lost (perhaps while others continue), or it arrives twice.
 */
type Loss = "request" | "answer" | "doubled" | "late";

const losses: ReadonlyMap<Fault, Loss> = new Map<Fault, Loss>([
  ["drop-request", "request"],
  ["error-500", "request"],
  ["html", "request"],
  ["drop-reply", "answer"],
  ["half-body", "answer"],
  ["duplicate", "doubled"],
]);

/** The faults after which a resent call succeeds. */
export const passingFaults: readonly Fault[] = [...losses.keys()];

export function lossOf(fault: Fault | undefined): Loss | undefined {
  if (typeof fault === "object" && "meanwhile" in fault) return "late";
  return fault && losses.get(fault);
}

/** Methods that recognise their own work when they are resent, and give the same answer. */
const recognising: ReadonlySet<StoreMethod> = new Set([
  "enqueue",
  "enqueueFamily",
  "extend",
  "signal",
  "change",
  "retryDead",
  "changeSchedules",
]);

/**
 * The expected behaviour of a store over a network: a reference, on a store that loses nothing. A call whose answer was
 * lost is resent. Most methods then give the same answer; those that remove something answer that it is gone.
 *
 * @param next returns the fault that the next call meets.
 * @param meanwhile is what others do if an answer is lost late. Default: nothing.
 */
export function overNetwork(
  store: QueueStore,
  next: () => Fault | undefined,
  meanwhile: (store: QueueStore) => Promise<unknown> = async () => {},
): QueueStore {
  return aroundCalls(store, async ({ method, parameters }, run) => {
    const loss = lossOf(next());
    if (loss === undefined) return run();
    if (method === "settle") return settleOver(loss, store, parameters[0] as SettleRequest);
    if (method === "exchange") return exchangeOver(loss, store, parameters[0] as ExchangeRequest);
    if (method === "extend" && loss !== "doubled") {
      return extendOver(loss, store, parameters[0] as readonly LeaseRenewal[], meanwhile);
    }
    const first = await run();
    if (loss === "late") await meanwhile(store);
    if (loss === "request" || loss === "late") return first;
    const second = await run();
    return loss === "doubled" || recognising.has(method) ? first : second;
  });
}

/** The second send ends the leases one millisecond later, and finds what the first one has made. */
async function extendOver(
  loss: Loss,
  store: QueueStore,
  renewals: readonly LeaseRenewal[],
  meanwhile: (store: QueueStore) => Promise<unknown>,
): ReturnType<QueueStore["extend"]> {
  const isFirstLost = loss === "request";
  if (!isFirstLost) await store.extend(renewals);
  if (loss === "late") await meanwhile(store);
  return store.extend(
    renewals.map((renewal) => {
      const { lease, endsAt } = renewal;
      const mayEndAt = isFirstLost ? lease.mayEndAt : [...(lease.mayEndAt ?? []), endsAt];
      return { ...renewal, lease: { ...lease, ...(mayEndAt && { mayEndAt }) }, endsAt: endsAt + 1 };
    }),
  );
}

async function settleOver(loss: Loss, store: QueueStore, request: SettleRequest): Promise<SettleReply> {
  if (loss === "request") return store.settle({ ...request, isResend: true });
  const first = await store.settle(request);
  const again = await store.settle({ ...request, isResend: loss !== "doubled" });
  return loss === "doubled" ? first : again;
}

async function exchangeOver(loss: Loss, store: QueueStore, request: ExchangeRequest): Promise<ExchangeReply> {
  if (loss === "request") return store.exchange({ ...request, isResend: true });
  if (loss === "doubled") {
    const first = await store.exchange(request);
    await store.exchange(request);
    return first;
  }
  // What it leases is leased again, for one millisecond longer, so that no two answers hold the same lease.
  const longer = request.claim && { ...request.claim, leaseMs: request.claim.leaseMs + 1 };
  const first = await store.exchange({ ...request, claim: longer });
  const left = (request.claim?.limit ?? 0) - first.jobs.length;
  // Without room it still counts the remaining jobs.
  const claim = request.claim && { ...request.claim, limit: Math.max(left, 0) };
  const again = { ...request, isResend: true, claim };
  const second = await store.exchange(again);
  // What it has made goes on under its id.
  await store.extend(first.jobs.map(({ lease }) => ({ lease, endsAt: lease.endsAt })));
  const renewed = first.jobs.map((job) => ({ ...job, dueAt: request.now }));
  return { ...second, jobs: [...renewed, ...second.jobs] };
}
