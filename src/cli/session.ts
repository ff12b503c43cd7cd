import { createInterface } from "node:readline";
import { systemClock } from "../core/shared/clock.ts";
import type { TidegateError } from "../core/shared/errors.ts";
import type { Io } from "./io.ts";
import { type Colors, colorsFor, columnsOf, isTerminal, toJson, withCommandApart } from "./output/text.ts";
import { createProgram, type Globals, type Program, UsageError } from "./program.ts";

const CHECK_URL =
  "Check the network, and that --url is where the app serves the handler, such as https://example.com/queue. For a Redis give redis://HOST:PORT, or UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN in its place";

export class Declined extends Error {
  override readonly name = "Declined";
}

/** A command that failed after it had changed some jobs. It exits like its cause, and also says what was done. */
export class PartlyDone extends Error {
  override readonly name = "PartlyDone";
  /** What programs get beside the error: the same fields as after a success. */
  readonly document: object;

  /** @param done "2,000 jobs had been removed before." */
  constructor(done: string, document: object, cause: unknown) {
    super(done, { cause });
    this.document = document;
  }
}

/** A command line: what is asked of the program, and how it answers. Every one makes a session, so it loads little. */
export class Session {
  readonly io: Io;
  /** Whether the output is for a program: one JSON document on standard output, and nothing else. */
  readonly isJson: boolean;
  readonly colors: Colors;
  readonly program: Program;
  exitCode = 0;
  /** The variables that name a queue: those of the process, else of a file beside it. */
  env: Io["env"];
  /** Whether that file is the one of `tidegate dev`. */
  isOfDev = false;
  /** The host and the port of the Redis that this process works on. */
  redis: string | undefined;

  constructor(io: Io, isJson: boolean) {
    this.io = io;
    this.env = io.env;
    this.isJson = isJson;
    this.colors = colorsFor(io.stdout, io.env);
    this.program = createProgram(io, isJson, this.colors);
  }

  get globals(): Globals {
    return this.program.opts();
  }

  get now(): number {
    return (this.io.clock ?? systemClock)();
  }

  /** The message of an error in the words of the command line; if Redis was not reached, with its address. */
  messageOf({ code, message }: TidegateError): string {
    const said = message
      .replace(/^prefix\b/, "--prefix")
      .replace(/Check (url|--url) and( the)? network|See \/openapi\.json(.*basePath)?/, CHECK_URL)
      .replace(/^Send the header.*/, "The handler needs a token.")
      .replace("UPSTASH_REDIS_REST_URL", this.isOfDev ? "that tidegate dev runs" : "$&");
    return code === "store_unavailable" && this.redis ? `${said} The address is ${this.redis}.` : said;
  }

  /** Prints a result: JSON for programs, text for people. */
  print(document: unknown, text: () => string): void {
    this.io.stdout.write(`${this.isJson ? toJson(document) : withCommandApart(text(), this.width)}\n`);
  }

  note(text: string): void {
    if (!this.isJson && text) this.io.stderr.write(`${withCommandApart(text, this.width)}\n`);
  }

  /** The width of the terminal. Undefined without one: then lines may have any length. */
  get width(): number | undefined {
    const { stdout, env } = this.io;
    return isTerminal(stdout, env) ? columnsOf(stdout) : undefined;
  }

  /** Whether somebody at a terminal can answer a question. */
  get canAsk(): boolean {
    return !this.isJson && this.io.stdin.isTTY === true && this.io.stderr.isTTY === true;
  }

  /** Asks before a change. @throws {UsageError} without a terminal; {Declined} unless the user says yes. */
  async confirm(question: string): Promise<void> {
    if (!this.canAsk)
      throw new UsageError("Nothing was removed: there is no terminal to confirm on.", "Add --yes to confirm.");
    this.io.stderr.write(`${question} [y/N] `);
    // `terminal: true` would catch Ctrl-C, which must end the process.
    const lines = createInterface({ input: this.io.stdin, terminal: false });
    const { value: answer = "" } = await lines[Symbol.asyncIterator]().next();
    lines.close();
    if (!/^\s*y(es)?\s*$/i.test(answer)) throw new Declined("Nothing was changed.");
  }
}
