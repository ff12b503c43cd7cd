/** Fields that are private to a store, or count its commands, of which a memory store has none. */
const ofOneStore: ReadonlySet<string> = new Set(["reported", "spentToday"]);

/**
 * The JSON of a value, in which an undefined field equals a missing one, without what stores need not have in common.
 */
export const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify({ value }, (key, part) => (ofOneStore.has(key) ? undefined : part)));
