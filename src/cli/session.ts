import { createInterface } from "node:readline";
import { systemClock } from "../core/shared/clock.ts";
import type { Io } from "./io.ts";
import { LiveLine } from "./output/live-line.ts";
import { type Column, table } from "./output/table.ts";
import { type Colors, colorsFor, columnsOf, isTerminal } from "./output/text.ts";
import { UsageError } from "./usage-error.ts";

/** A question was answered with no. */
export class Declined extends Error {
  override readonly name = "Declined";
}

/** Makes a question, for which it may look at the queue; undefined where there is nothing that could be done. */
export type Question = () => Promise<string | undefined>;

/** One run of the command line: how it speaks to whoever started it, be it a person or a program. */
export class Session {
  readonly io: Io;
  /** Whether a program reads: then standard output gets one JSON document and nothing else. */
  readonly isJson: boolean;
  readonly colors: Colors;
  exitCode = 0;

  constructor(io: Io, isJson: boolean) {
    this.io = io;
    this.isJson = isJson;
    this.colors = colorsFor(io.stdout, io.env);
  }

  get now(): number {
    return (this.io.clock ?? systemClock)();
  }

  /** Prints what a command is about, once: a document for programs, text for people. */
  print(document: unknown, text: () => string): void {
    this.io.stdout.write(`${this.isJson ? JSON.stringify(document) : text()}\n`);
  }

  /** Says something beside the point, to people alone. */
  note(text: string): void {
    if (!this.isJson) this.io.stderr.write(`${text}\n`);
  }

  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
    const { stdout, env } = this.io;
    const width = isTerminal(stdout, env) ? columnsOf(stdout) : undefined;
    return table(columns, rows, { colors: this.colors, width });
  }

  /** A line that shows how far things are, for people at a terminal. */
  liveLine(): LiveLine {
    return new LiveLine(this.io.stderr, this.io, !this.isJson);
  }

  /** Whether there is somebody to answer a question. */
  get canAsk(): boolean {
    return !this.isJson && this.io.stdin.isTTY === true && this.io.stderr.isTTY === true;
  }

  /**
   * Asks before something is done that cannot be undone.
   *
   * @param question as for `ask`.
   * @returns as `ask`; true without a question where `--yes` has answered it.
   * @throws {UsageError} where there is nobody to ask: then `--yes` must say so.
   * @throws {Declined} where the answer is not yes.
   */
  async confirm(question: Question, isSure: boolean | undefined): Promise<boolean> {
    if (isSure) return true;
    if (!this.canAsk)
      throw new UsageError(
        "Nothing was removed: there is no terminal to confirm on.",
        "Add --yes to remove without confirmation.",
      );
    return this.ask(question);
  }

  /**
   * Asks whether something is to be done.
   *
   * @returns whether there is anything to do; the answer was yes then, and otherwise nobody was asked.
   * @throws {Declined} where the answer is not yes.
   */
  async ask(question: Question): Promise<boolean> {
    const text = await question();
    if (text === undefined) return false;
    this.io.stderr.write(`${text} [y/N] `);
    // Not as a terminal: Ctrl-C shall end the process here as everywhere, and the terminal edits the line by itself.
    const lines = createInterface({ input: this.io.stdin, terminal: false });
    try {
      for await (const line of lines) {
        if (/^\s*y(es)?\s*$/i.test(line)) return true;
        break;
      }
    } finally {
      lines.close();
    }
    throw new Declined("Nothing was changed.");
  }
}
