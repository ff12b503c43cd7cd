import { OutOfBudgetError } from "../../core/store/meter.ts";
import {
  type ExchangeReply,
  type ExchangeRequest,
  type SettleReply,
  type SettleRequest,
  sizeOf,
} from "../../core/store/store.ts";
import { isUnavailable, PartialReplies, unlessLate } from "./partial-replies.ts";
import type { Parts } from "./parts.ts";

export async function settle(parts: Parts, request: SettleRequest): Promise<SettleReply> {
  const places = placesOf(parts, request);
  const requests = new Map([...new Set(places)].map((part) => [part, requestOf(parts, request, part)]));
  const held = parts.holdRoom(requests.keys(), (part) => mostOf(parts, part, requests.get(part)));
  const replies = new PartialReplies<SettleReply>();
  await Promise.all(
    [...requests].map(([part, its]) => {
      held.get(part)?.();
      return replies.from(part, parts.at(part).settle(its));
    }),
  );
  return {
    settled: settledIn(replies, places),
    gone: goneIn(replies),
    ...replies.failure,
  };
}

/** Settles each outcome in its part, fires in the first, and claims from one, or another if that is unreachable. */
export async function exchange(parts: Parts, request: ExchangeRequest): Promise<ExchangeReply> {
  const { now, fire, claim } = request;
  const { outlooks } = parts;
  const { unreachable } = outlooks;
  const places = placesOf(parts, request);
  const busy = new Set([...places, ...(fire.length > 0 ? [0] : [])]);
  let target = outlooks.nextToClaim(now);
  const requests = new Map<number, ExchangeRequest>();
  for (const part of [...busy, target]) {
    const claims = part === target ? claim : undefined;
    requests.set(part, { ...requestOf(parts, request, part), fire: part === 0 ? fire : [], claim: claims });
  }
  const held = parts.holdRoom(requests.keys(), (part) => mostOf(parts, part, requests.get(part)));
  const replies = new PartialReplies<ExchangeReply>();
  const send = async (part: number, its: ExchangeRequest) => {
    outlooks.beginReading(part);
    held.get(part)?.();
    const reply = await replies.from(part, parts.at(part).exchange(its));
    if (reply) outlooks.learn(part, reply, now);
    else if (isUnavailable(replies.failureOf(part))) unreachable.add(part, now);
    return reply;
  };
  const asked = Promise.all([...requests].map(([part, its]) => send(part, its)));
  // Last, because the budget may not have room for it.
  const passing = (claim ? outlooks.stale(now, claim) : [])
    .filter((part) => !requests.has(part))
    .map((part) => readInPassing(parts, part, now));
  await asked;
  const settled = settledIn(replies, places);
  const fired = replies.of(0)?.fired ?? [];
  if (passing.length > 0) await unlessLate([asked, ...passing]);
  // If the part to claim from is unreachable, and nothing else was sent there, it claims from another one.
  const passedOver = new Map<number, unknown>();
  while (unreachable.has(target) && !busy.has(target)) {
    passedOver.set(target, replies.failureOf(target));
    target = outlooks.nextToClaim(now);
    if (unreachable.has(target)) break;
    const isAnswered = !claim && replies.of(target) !== undefined;
    const claiming = { ...requestOf(parts, request, target), settle: [], fire: [] };
    const isClaimed = isAnswered || (await send(target, claiming));
    // The requests that failed may have used up the budget. Then the budget ends the drain, not the failures.
    if (isClaimed || replies.failureOf(target) instanceof OutOfBudgetError) replies.forgive(passedOver.keys());
  }
  const claimed = replies.of(target);
  const [whyPassedOver] = passedOver.values();
  return {
    ...outlooks.nextDue(now),
    ...replies.failure,
    ...(claimed && passedOver.size > 0 && { passedOver: whyPassedOver }),
    backlog: claimed?.backlog ?? 0,
    ...(claimed?.leftKeys && { leftKeys: true }),
    ...(claimed?.evicted && { evicted: claimed.evicted }),
    settled,
    gone: goneIn(replies),
    fired,
    jobs: claimed?.jobs ?? [],
    schedules: claimed?.schedules ?? [],
  };
}

/** Peeks at a part. A failure must not lose what this exchange claims: the next one peeks again. */
async function readInPassing(parts: Parts, part: number, now: number): Promise<void> {
  const peeked = parts.at(part).peek(now);
  const outlook = await peeked.catch(() => undefined);
  if (!outlook) return;
  parts.checkIfEmptied(part, outlook);
  parts.outlooks.learn(part, outlook, now);
}

/** The part of each outcome. */
function placesOf(parts: Parts, { settle }: SettleRequest): readonly number[] {
  return settle.map(({ lease }) => parts.of(lease.id));
}

function requestOf<Request extends SettleRequest>(parts: Parts, request: Request, part: number): Request {
  const { settle, watch = [] } = request;
  return {
    ...request,
    settle: settle.filter(({ lease }) => parts.of(lease.id) === part),
    watch: watch.filter(({ id }) => parts.of(id) === part),
  };
}

function mostOf(parts: Parts, part: number, request: SettleRequest | ExchangeRequest | undefined) {
  return parts.at(part).local.mostOfExchange(request ? sizeOf({ fire: [], ...request }) : {});
}

/** The replies for all outcomes in order; undefined for those of a part that failed. */
function settledIn(replies: PartialReplies<SettleReply>, places: readonly number[]): SettleReply["settled"] {
  const rest = new Map(replies.entries.map(([part, { settled }]) => [part, settled.values()]));
  return places.map((part) => rest.get(part)?.next().value);
}

function goneIn(replies: PartialReplies<SettleReply>): readonly string[] {
  return replies.entries.flatMap(([, { gone = [] }]) => gone);
}
