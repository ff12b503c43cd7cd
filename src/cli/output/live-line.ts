import type { Io, Output } from "../io.ts";
import { cut } from "./table.ts";
import { columnsOf, count, isTerminal } from "./text.ts";

const ERASE = "\r\u001b[K";

/** The line on a terminal that shows the progress, rewritten in place. Invisible without one, and with --json. */
export class LiveLine {
  readonly #output: Output;
  readonly isVisible: boolean;
  #text = "";

  constructor({ io, isJson }: { readonly io: Pick<Io, "stderr" | "env" | "logs">; readonly isJson: boolean }) {
    const { stderr, env, logs } = io;
    this.#output = stderr;
    this.isVisible = !isJson && isTerminal(stderr, env);
    if (logs && this.isVisible) logs.around = (write) => this.above(write);
  }

  above(write: () => void): void {
    const text = this.#text;
    this.clear();
    write();
    if (text !== "") this.show(text);
  }

  show(text: string): void {
    // A line that fills the last column would wrap, and could not be erased.
    const line = cut(text, columnsOf(this.#output) - 1);
    if (!this.isVisible || line === this.#text) return;
    this.#text = line;
    this.#output.write(ERASE + line);
  }

  clear(): void {
    if (this.#text !== "") this.#output.write(ERASE);
    this.#text = "";
  }
}

const BAR_WIDTH = 30;

/** "Retrying ███████░░░ 3,100 of 5,000" */
export function bar(label: string, done: number, total: number): string {
  const share = total > 0 ? Math.min(done / total, 1) : 1;
  return `${label} ${barOf(share)} ${count(done)} of ${count(total)}`;
}

/** A bar that is full for a share of 1. */
export function barOf(share: number): string {
  const full = Math.floor(share * BAR_WIDTH);
  return "█".repeat(full) + "░".repeat(BAR_WIDTH - full);
}
