import pc from "picocolors";
import type { Io, Output } from "../io.ts";

export type Colors = ReturnType<typeof pc.createColors>;

/** Whether moving lines and colours can be shown. */
export function isTerminal(output: Output, env: Io["env"]): boolean {
  return output.isTTY === true && env["TERM"] !== "dumb";
}

/** How many characters fit on a line of a terminal; some do not know it and say 0. */
export function columnsOf(output: Output): number {
  return output.columns || 80;
}

/** Colours on a terminal whose owner did not turn them off (https://no-color.org), and none elsewhere. */
export function colorsFor(output: Output, env: Io["env"]): Colors {
  return pc.createColors(isTerminal(output, env) && !env["NO_COLOR"]);
}

// Controls move the cursor or colour the screen, and the others turn the direction of writing round.
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Text of others on one line, unable to do anything to the terminal. */
export function printable(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ").replace(unprintable, "\ufffd");
}

/** The same, with its line breaks kept. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join("\n");
}

/** "1,204" */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** "1 job", "2 jobs" */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}
