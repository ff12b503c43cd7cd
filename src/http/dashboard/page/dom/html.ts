export interface Tag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Html;
}

/** Elements and texts to show. morph.ts makes nodes of them: nothing parses them as HTML. */
export type Html = readonly (Tag | string)[];

type Value = Tag | string | number | boolean | null | undefined | readonly Value[];

/** Marks the place of a value in the text of a template. */
const HOLE = "\u0001";
const tokens = /<(\/?)(\w+)((?:[^<>"]|"[^"]*")*?)(\/?)>|[^<]+/g;
/** The attributes that users see, or hear. */
const shown = /^(aria-label|title|placeholder)$/;
const attribute = /([\w-]+)(?:="([^"]*)")?/g;

/**
 * Reads a template in the syntax of HTML. Put values between tags, or into attributes with double quotes. It omits an
 * attribute whose only value is `false`, `null` or `undefined`. Close every element, with `/>` if it is empty.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  let used = 0;
  const fill = (text: string): Value[] =>
    text.split(HOLE).flatMap((piece, index) => (index === 0 ? [piece] : [values[used++], piece]));
  const attributesOf = (text: string) => {
    const read = new Map<string, string>();
    for (const [, name = "", content = ""] of text.matchAll(attribute)) {
      const filled = fill(content);
      const isAbsent = content === HOLE && (filled[1] ?? false) === false;
      const value = filled.map(textOf).join("");
      if (!isAbsent) read.set(name, shown.test(name) ? visible(value) : value);
    }
    return read;
  };
  const open: (Tag | string)[][] = [[]];
  for (const [text, end, name, rest = "", isEmpty] of parts.join(HOLE).matchAll(tokens)) {
    if (end) open.pop();
    else if (!name) append(open.at(-1) ?? [], fill(text));
    else {
      const children: (Tag | string)[] = [];
      open.at(-1)?.push({ name, attributes: attributesOf(rest), children });
      if (!isEmpty) open.push(children);
    }
  }
  if (used < values.length || open.length !== 1) throw new Error("A template lacks a closing tag, or quotes.");
  return open[0] ?? [];
}

/** Characters that are invisible, or that reorder other text: with them, a name can look like another one. */
const unseen = /(?![\t\n\r])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u200b\u2060\ufeff]/gu;

/** Escapes such characters as JSON does. */
export const visible = (text: string): string =>
  text.replace(unseen, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

function append(children: (Tag | string)[], value: Value): void {
  if (Array.isArray(value)) for (const each of value) append(children, each);
  else if (value && typeof value === "object") children.push(value as Tag);
  else {
    const text = visible(textOf(value));
    const last = children.at(-1);
    if (text && typeof last === "string") children[children.length - 1] = last + text;
    else if (text) children.push(text);
  }
}

const textOf = (value: Value): string => (value || value === 0 ? (value === true ? "" : String(value)) : "");
