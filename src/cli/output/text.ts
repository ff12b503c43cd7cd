import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import type { Io, Output } from "../io.ts";

export type Colors = ReturnType<typeof pc.createColors>;

/** Whether an output shows colours and live lines. */
export function isTerminal(output: Output, env: Io["env"]): boolean {
  return output.isTTY === true && env["TERM"] !== "dumb";
}

/** The width of a terminal. Some terminals report 0. */
export function columnsOf(output: Output): number {
  return output.columns || 80;
}

/** Colours for a terminal, unless NO_COLOR turns them off (https://no-color.org). */
export function colorsFor(output: Output, env: Io["env"]): Colors {
  return pc.createColors(isTerminal(output, env) && !env["NO_COLOR"]);
}

// Control characters move the cursor or colour the screen. The others change the direction of text.
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Makes foreign text safe for a terminal, on one line. */
export function printable(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ").replace(unprintable, "\ufffd");
}

export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join("\n");
}

/** Puts a command that does not fit behind its text on a line of its own, where it can be copied. */
export function withCommandApart(text: string, width = Number.POSITIVE_INFINITY): string {
  const isTooWide = (line: string) => stripVTControlCharacters(line).length > width;
  const apart = (line: string) => line.replace(/^( *)(.*?:) (?=tidegate )/, "$1$2\n$1  ");
  return text
    .split("\n")
    .map((line) => (isTooWide(line) ? apart(line) : line))
    .join("\n");
}

/** A result as JSON, safe for a terminal and with the same meaning: such characters are escaped. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function inline(value: unknown): string {
  return printable(JSON.stringify(value) ?? "null");
}

/** "1,204" */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** "1,204", but "1.23M" for a large number: at most six characters. */
export function short(value: number): string {
  return value < 100_000 ? count(value) : compact.format(value);
}

/** "1 job", "2 jobs" */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A text as one word of a shell; one that a command would take for an option is left to the reader. */
export function quoted(text: string): string {
  if (text.startsWith("-")) return "NAME";
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
