import { invalidRequest } from "../../core/shared/errors.ts";
import type { StoreMethod } from "../../core/store/calls.ts";
import type { QueueStore } from "../../core/store/store.ts";
import { enqueue, enqueueFamily } from "./enqueue.ts";
import { exchange, settle } from "./exchange.ts";
import { extend } from "./extend.ts";
import { partitionOfKey } from "./facts.ts";
import { clear, failures, findDead, findEach, list, pageInTurn } from "./pages.ts";
import type { Parts } from "./parts.ts";
import { peek, peekWithManifest } from "./peek.ts";
import { sumOfHours, sumOfNames, sumOfPending, sumOfStats } from "./sums.ts";

type Arguments<Method extends StoreMethod> = Parameters<QueueStore[Method]>;
type Reply<Method extends StoreMethod> = Awaited<ReturnType<QueueStore[Method]>>;

/** How to spread a call over the parts of a queue, and how to join their replies. */
type Way<Method extends StoreMethod> = (
  parts: Parts,
  method: Method,
  args: Arguments<Method>,
) => Promise<Reply<Method>>;

/** In its own way. */
function by<Method extends StoreMethod>(
  run: (parts: Parts, ...args: Arguments<Method>) => Promise<Reply<Method>>,
): Way<Method> {
  return (parts, _method, args) => run(parts, ...args);
}

function callOf<Method extends StoreMethod>(parts: Parts, part: number, method: Method, args: Arguments<Method>) {
  const send: (...args: never) => unknown = parts.at(part)[method];
  return Reflect.apply(send, parts.at(part), args) as Promise<Reply<Method>>;
}

/** In the part of the first argument. */
function inOne<Method extends StoreMethod>(partOf: (parts: Parts, first: Arguments<Method>[0]) => number): Way<Method> {
  return (parts, method, args) => callOf(parts, partOf(parts, args[0]), method, args);
}

/** The same, for a method that may make something due there. */
function changesOne<Method extends StoreMethod>(
  partOf: (parts: Parts, first: Arguments<Method>[0]) => number,
): Way<Method> {
  return inOne((parts, first) => {
    const part = partOf(parts, first);
    parts.outlooks.forget(part);
    return part;
  });
}

/** Schedules and documents are in the first part. */
const first = () => 0;

const ofKey = (parts: Parts, key: string) => partitionOfKey(key, parts.all.length);

function inAll<Method extends StoreMethod>(join: (replies: readonly Reply<Method>[]) => Reply<Method>): Way<Method> {
  return (parts, method, args) =>
    Promise.all(parts.all.map((_, part) => callOf(parts, part, method, args))).then((replies) =>
      join(replies as readonly Reply<Method>[]),
    );
}

/** Each item in its part, and the replies in the order of the items. */
function inEach<Method extends "areWaiting" | "cancel" | "reschedule" | "retryDead">(): Way<Method> {
  return (parts, method, [items, ...rest]) =>
    parts.each<string | { readonly id: string }, Reply<Method>[number]>(
      items,
      (item) => parts.of(typeof item === "string" ? item : item.id),
      (part, some) => callOf(parts, part, method, [some, ...rest] as Arguments<Method>),
    ) as Promise<Reply<Method>>;
}

/** How each method is spread. */
const ways: { readonly [Method in StoreMethod]: Way<Method> } = {
  enqueue: by(enqueue),
  enqueueFamily: by(enqueueFamily),
  settle: by(settle),
  exchange: by(exchange),
  partitions: by(async ({ all, stores }) => ({ partitions: all.length, stores, store: 0 })),
  peek: by((parts, now) => peek(parts, now)),
  peekWithManifest: by(peekWithManifest),
  extend: by(extend),
  signal: by(async ({ local }) => {
    throw invalidRequest(local.refusesSignals ?? "");
  }),
  find: inOne((parts, id) => parts.of(id)),
  findDead: by(findDead),
  findEach: by(findEach),
  list: by(list),
  failures: by(failures),
  areWaiting: inEach(),
  cancel: inEach(),
  reschedule: inEach(),
  change: inOne((parts, { id }) => parts.of(id)),
  rewrite: by((parts, state, rewrites) =>
    parts.each(
      rewrites,
      ({ id }) => parts.of(id),
      (part, some) => parts.at(part).rewrite(state, some),
    ),
  ),
  retryDead: inEach(),
  removeDead: by(async (parts, ids, now) => {
    const groups = [...parts.group(ids, (id) => parts.of(id))];
    const counts = await Promise.all(groups.map(([part, some]) => parts.at(part).removeDead(some, now)));
    return counts.reduce((sum, count) => sum + count, 0);
  }),
  clear: by(clear),
  pulse: inAll((pulses) => pulses.join(";")),
  stats: inAll(sumOfStats),
  figures: inAll(sumOfNames),
  pending: inAll(sumOfPending),
  history: inAll(sumOfHours),
  setPaused: inAll(() => {}),
  putSchedule: changesOne(first),
  findSchedule: inOne(first),
  listSchedules: inOne(first),
  removeSchedule: inOne(first),
  declare: changesOne(first),
  findFlow: inOne(ofKey),
  listFlows: by((parts, { cursor, ...page }) =>
    pageInTurn(parts, cursor, (part, rest) => part.listFlows({ ...page, cursor: rest })),
  ),
  changeFlow: changesOne(ofKey),
  findDocument: inOne(first),
  listDocuments: inOne(first),
  changeDocuments: inOne(first),
};

export function inParts(parts: Parts): QueueStore {
  const forward =
    <Method extends StoreMethod>(method: Method) =>
    async (...args: Arguments<Method>) =>
      ways[method](parts, method, args);
  const methods = (Object.keys(ways) as StoreMethod[]).map((method) => [method, forward(method)]);
  return { local: parts.local, ...(Object.fromEntries(methods) as Omit<QueueStore, "local">) };
}
