const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** Another basis gives an unrelated number for the same text: any but FNV's own would do. */
export const OTHER_BASIS = 0x5bd1e995;

/**
 * Hashes a text to a whole number below 2^32, by its UTF-16 units: FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/).
 * It is fast, and not secure. Its results are stored, or decide where something is stored, so it must never change.
 */
export function fnv1a(text: string, basis = OFFSET_BASIS): number {
  let hash = basis;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), PRIME);
  return hash >>> 0;
}
