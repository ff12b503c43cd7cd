const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** How many characters of the end of a UUID tell it from others: its beginning is the time, which many jobs share. */
const SHOWN = 8;

/** An id as tables on a terminal show it: the end of a UUID, or any other id as it is. */
export function shortId(id: string): string {
  return uuid.test(id) ? id.slice(-SHOWN) : id;
}

/** Whether a text can be an id that a table has shortened, or cut. */
export function isShortened(text: string): boolean {
  return /^[0-9a-f]{8}$/.test(text) || (text.length > 1 && text.endsWith("…"));
}

/** Whether a table can show an id as this text. */
export function isShownAs(id: string, text: string): boolean {
  return text.endsWith("…") ? id.startsWith(text.slice(0, -1)) : shortId(id) === text;
}
