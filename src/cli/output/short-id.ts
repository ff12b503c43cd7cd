const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** How many characters of a UUID are shown. They are its last, since many jobs share the time at its beginning. */
const SHOWN = 8;

/** An id in a table on a terminal: the end of a UUID, or any other id unchanged. */
export function shortId(id: string): string {
  return uuid.test(id) ? id.slice(-SHOWN) : id;
}

/** Whether a text may be an id that a table has shortened or cut. */
export function isShortened(text: string): boolean {
  return /^[0-9a-f]{8}$/.test(text) || (text.length > 1 && text.endsWith("…"));
}

/** Whether a table may show an id as this text. */
export function isShownAs(id: string, text: string): boolean {
  return text.endsWith("…") ? id.startsWith(text.slice(0, -1)) : shortId(id) === text;
}
