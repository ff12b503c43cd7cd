import { alarm, systemClock } from "../../core/shared/clock.ts";
import type { LiveLine } from "../output/live-line.ts";
import { count } from "../output/text.ts";
import type { Session } from "../session.ts";
import type { Counts } from "./counters.ts";

const EVERY_MS = { terminal: 100, log: 10_000 } as const;

/** Shows progress: a live line on a terminal, log lines elsewhere, nothing with --json. */
export class Display {
  readonly #session: Session;
  readonly #line: LiveLine;
  readonly #everyMs: number;
  #shownAt = Number.NEGATIVE_INFINITY;
  #shown = "";
  #offAlarm: () => void = () => {};

  constructor(session: Session) {
    this.#session = session;
    this.#line = session.liveLine();
    this.#everyMs = this.#line.isVisible ? EVERY_MS.terminal : EVERY_MS.log;
  }

  /**
   * @param counts is read when the line is written, so it may still change.
   * @param nextAt set once nothing is due. Then the line is written at once, since it may stay for long.
   */
  show(counts: Counts, nextAt?: Date | null): void {
    this.#offAlarm();
    const write = () => this.#write(this.#textOf(counts, nextAt));
    const waitMs = this.#shownAt + this.#everyMs - this.#session.now;
    if (nextAt !== undefined || waitMs <= 0) write();
    else this.#offAlarm = alarm(this.#session.io.clock ?? systemClock, waitMs, write);
  }

  #write(text: string): void {
    this.#shownAt = this.#session.now;
    if (text === this.#shown) return;
    this.#shown = text;
    if (this.#line.isVisible) this.#line.show(text);
    else if (!this.#session.isJson) this.#session.io.stdout.write(`${stamp(new Date(this.#session.now))}${text}\n`);
  }

  /** Prints a separate line: with a timestamp unless on a terminal, and on standard error with --json. */
  line(text: string, at: Date): void {
    this.#line.clear();
    const { io, isJson, width } = this.#session;
    (isJson ? io.stderr : io.stdout).write(`${isJson || width ? "" : stamp(at)}${text}\n`);
    if (this.#line.isVisible) this.#line.show(this.#shown);
  }

  /** Prints a remark above the live line. */
  note(text: string): void {
    this.#line.clear();
    this.#session.note(text);
    if (this.#line.isVisible) this.#line.show(this.#shown);
  }

  end(): void {
    this.#offAlarm();
    this.#line.clear();
  }

  #textOf({ running, completed, retried, deadLettered }: Counts, nextAt: Date | null | undefined): string {
    const parts = [
      running === undefined ? "" : `${count(running)} running`,
      `${count(completed)} completed`,
      retried > 0 ? `${count(retried)} retried` : "",
      deadLettered > 0 ? `${count(deadLettered)} dead` : "",
      nextAt === undefined ? "" : nextText(nextAt, this.#line.isVisible),
    ];
    return parts.filter((part) => part !== "").join(", ");
  }
}

function stamp(at: Date): string {
  return `${at.toISOString()} `;
}

function nextText(nextAt: Date | null, isLocal: boolean): string {
  if (!nextAt) return "nothing is scheduled";
  return `next at ${isLocal ? nextAt.toLocaleTimeString("en-GB") : nextAt.toISOString()}`;
}
