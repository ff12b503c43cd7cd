import type { Io } from "../io.ts";

/** What a key asks for. */
export type Key = "end" | "pause" | "next" | "previous" | "sort" | "refresh" | "help";

/** Keys as a terminal in raw mode sends them. Ctrl-C is a key there, and no signal. */
const keys: Readonly<Record<string, Key>> = {
  q: "end",
  "\u0003": "end",
  p: "pause",
  " ": "pause",
  "\t": "next",
  "\u001b[C": "next",
  "\u001bOC": "next",
  "\u001b[Z": "previous",
  "\u001b[D": "previous",
  "\u001bOD": "previous",
  s: "sort",
  r: "refresh",
  "?": "help",
};

/** Several keys can come at once. An arrow is a sequence of characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: sequences of a terminal begin with one
const ONE_KEY = /\u001b[[O][A-Z]|[\s\S]/g;

export const helpText = `q        end
p        pause the screen, and go on
tab ← →  show another queue, or all
s        sort the queues: as given, by ready, dead or running jobs
r        refresh now
?        close this help`;

/**
 * Reads keys until it is closed.
 *
 * @param onKey gets each key at once. Unknown ones are ignored.
 * @returns a function that closes it: the terminal is then as it was. Undefined without a terminal, which has no keys.
 */
export function readKeys({ stdin }: Pick<Io, "stdin">, onKey: (key: Key) => void): (() => void) | undefined {
  if (stdin.isTTY !== true || !stdin.setRawMode) return undefined;
  const read = (chunk: Buffer | string) => {
    for (const text of String(chunk).match(ONE_KEY) ?? []) {
      const key = keys[text.length === 1 ? text.toLowerCase() : text];
      if (key) onKey(key);
    }
  };
  stdin.setRawMode(true);
  stdin.on("data", read);
  return () => {
    stdin.off("data", read);
    stdin.pause();
    stdin.setRawMode?.(false);
  };
}
