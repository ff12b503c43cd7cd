/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = Html | string | number | false | null | undefined | readonly Value[];

/**
 * Writes HTML. Whatever is put in becomes text, unless it was written by this function as well; so it must stand between tags
 * or in an attribute with double quotes.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.reduce((text, part, index) => text + escaped(values[index - 1]) + part));
}

function escaped(value: Value): string {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(escaped).join("");
  return value || value === 0 ? String(value).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`) : "";
}
