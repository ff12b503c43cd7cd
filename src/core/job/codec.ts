// The version is plain text before the JSON: it can be read without parsing, and keeps Redis clients from parsing the
// record.
export const VERSION = "1:";
/** Begins a record with encrypted fields. Nothing else needs to be searched for them. */
export const SEALED_VERSION = "4:";
/** Begins the name of an encrypted field. Its text is a cipher text (encryption/keys.ts). */
export const SEALED = "~";

/** How long to leave a record that this code cannot read to newer code, before this code claims it again. */
export const UNREADABLE_RETRY_MS = 60_000;

export function encode(record: object): string {
  return VERSION + JSON.stringify(record);
}

export function sealedAs(text: string): string {
  return SEALED_VERSION + text.slice(VERSION.length);
}

/** Says why `decode` cannot read a text, and what to do. @param what whose record it is, such as `Job "3f9a"`. */
export function whyUnreadable(what: string, text: string): string {
  return /^\d+:/.test(text) && !isKnown(text)
    ? `${what} was stored by a newer version, which alone can read it. Upgrade this deployment.`
    : `${what} has a damaged record, which another program has written. Remove it by its id or key.`;
}

function isKnown(text: string): boolean {
  return text.startsWith(VERSION) || text.startsWith(SEALED_VERSION);
}

/** Decodes a record; undefined if it is damaged or of an unknown version. Encrypted fields stay as they are. */
export function decode<Stored>(text: string): Stored | undefined {
  if (!isKnown(text)) return undefined;
  try {
    return JSON.parse(text.slice(VERSION.length)) as Stored;
  } catch {
    return undefined;
  }
}
