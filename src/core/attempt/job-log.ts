import { cut, type LogEntry } from "../job/record.ts";
import { orUndefined } from "../shared/errors.ts";
import { bytesOf } from "../shared/limits.ts";

/** How many lines of a job's log its record keeps, and how many bytes of JSON. */
const MOST_LINES = 100;
const MOST_BYTES = 8 * 1024;
const LONGEST_MESSAGE = 1_000;

export class JobLog {
  readonly entries: LogEntry[] = [];
  readonly #sizes: number[] = [];
  #bytes = 0;

  constructor(stored: readonly LogEntry[] = []) {
    for (const entry of stored) this.#push(entry);
  }

  /** Adds a line, and drops the oldest ones for which there is no room. Never throws. */
  add(at: number, attempt: number, message: unknown, data: unknown): void {
    const text = orUndefined(() => cut(String(message), LONGEST_MESSAGE));
    const entry = { at, attempt, message: text ?? "A message that cannot be read: it throws." };
    const storable = jsonOf(data);
    this.#push(storable === undefined ? entry : { ...entry, data: storable });
  }

  #push(entry: LogEntry): void {
    const size = bytesOf(JSON.stringify(entry));
    this.entries.push(entry);
    this.#sizes.push(size);
    this.#bytes += size;
    while (this.entries.length > MOST_LINES || this.#bytes > MOST_BYTES) {
      this.entries.shift();
      this.#bytes -= this.#sizes.shift() ?? 0;
    }
  }
}

/** The value as JSON keeps it; undefined if JSON cannot hold it, or it leaves no room for a message. */
function jsonOf(data: unknown): unknown {
  const text = orUndefined(() => JSON.stringify(data) as string | undefined);
  return text === undefined || bytesOf(text) > MOST_BYTES / 2 ? undefined : JSON.parse(text);
}
