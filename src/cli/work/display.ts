import type { DrainTotals } from "../../core/drain/report.ts";
import { alarm, systemClock } from "../../core/shared/clock.ts";
import { LiveLine } from "../output/live-line.ts";
import { count } from "../output/text.ts";
import type { Session } from "../session.ts";

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
    this.#line = new LiveLine(session);
    this.#everyMs = this.#line.isVisible ? EVERY_MS.terminal : EVERY_MS.log;
  }

  /** @param nextAt set once nothing is due. Then the line is written at once, since it may stay for long. */
  show(totals: DrainTotals, nextAt?: Date | null): void {
    const next = nextAt === undefined ? "" : `, ${nextText(nextAt, this.#line.isVisible)}`;
    const text = totalsText(totals) + next;
    // Polls that find nothing are reported too.
    if (nextAt === undefined && this.#shown.startsWith(text)) return;
    this.#offAlarm();
    const write = () => this.#write(text);
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
    const { io, isJson, width } = this.#session;
    this.#line.above(() => (isJson ? io.stderr : io.stdout).write(`${isJson || width ? "" : stamp(at)}${text}\n`));
  }

  note(text: string): void {
    this.#line.above(() => this.#session.note(text));
  }

  end(): void {
    this.#offAlarm();
    this.#line.clear();
  }
}

export function totalsText({ completed, deadLettered: dead, lost, ...of }: DrainTotals): string {
  const { retried, snoozed, expired, released } = of;
  const others = { retried, dead, snoozed, expired, released, "not stored": lost };
  const shown = Object.entries(others).filter(([, value]) => value > 0);
  return [["completed", completed] as const, ...shown].map(([what, value]) => `${count(value)} ${what}`).join(", ");
}

const stamp = (at: Date) => `${at.toISOString()} `;

function nextText(nextAt: Date | null, isLocal: boolean): string {
  if (!nextAt) return "nothing is scheduled";
  return `next at ${isLocal ? nextAt.toLocaleTimeString("en-GB") : nextAt.toISOString()}`;
}
