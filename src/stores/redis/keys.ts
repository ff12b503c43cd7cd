/**
 * The keys of one queue. Every script gets all of them, in this order, so that each key it touches is declared. The
 * hash tag keeps them in one slot of a cluster.
 */
export function keysOf(prefix: string, queue: string): QueueKeys {
  const tag = `${prefix}:{${queue}}:`;
  const all: string[] = [];
  const byName = {} as Record<KeyName, string>;
  for (const name of keyNames) {
    byName[name] = tag + name;
    all.push(byName[name]);
  }
  return { all, ...byName, changes: `${tag}changes` };
}

const keyNames = [
  "due",
  "jobs",
  "dead",
  "dead:jobs",
  "done:order",
  "dedupe",
  "schedules",
  "manifest",
  "stats",
  "flow",
  "lanes",
  "documents",
  "documents:names",
  "documents:ends",
  "expiry",
  "signals",
  "families",
  "stats:recent",
] as const;

type KeyName = (typeof keyNames)[number];

export type QueueKeys = Readonly<Record<KeyName, string>> & {
  /** The list of changes, which no script touches. */
  readonly changes: string;
  readonly all: readonly string[];
};
