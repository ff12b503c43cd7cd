/**
 * Builds the keys of one queue, the only place that does. Every script gets all of them, in this order, so that each key a
 * script touches is declared. The hash tag keeps them in one slot of a cluster.
 *
 * `partition` leaves room for one logical queue to be spread over several sets of keys: each key accepts 100 MB on the small
 * plans. Partition 0 has the plain name.
 */
export function keysOf(prefix: string, queue: string, partition = 0): QueueKeys {
  const tag = `${prefix}:{${partition === 0 ? queue : `${queue}/${partition}`}}:`;
  const all = keyNames.map((name) => tag + name);
  const byName = Object.fromEntries(keyNames.map((name) => [name, tag + name])) as Record<KeyName, string>;
  return { all, ...byName };
}

const keyNames = ["due", "jobs", "dead", "dead:jobs", "done", "dedupe", "schedules", "manifest", "stats"] as const;

type KeyName = (typeof keyNames)[number];

export type QueueKeys = Readonly<Record<KeyName, string>> & { readonly all: readonly string[] };
