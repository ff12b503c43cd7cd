import type { Output } from "../io.ts";
import { rowsOf } from "../output/text.ts";

// The alternate screen, the cursor, and line wrapping: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const ERASE_LINE = "\u001b[K";
const ERASE_BELOW = "\u001b[J";

/** Takes over the whole terminal until it is closed. Then the terminal shows what it showed before. */
export class Screen {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
    output.write(ENTER);
  }

  /** Shows as much of a text as fits, from its beginning. */
  show(text: string): void {
    const lines = text.split("\n").slice(0, rowsOf(this.#output));
    this.#output.write(HOME + lines.map((line) => line + ERASE_LINE).join("\n") + ERASE_BELOW);
  }

  close(): void {
    this.#output.write(LEAVE);
  }
}
