import { fnv1a, OTHER_BASIS } from "../shared/hash.ts";

// Signals: what jobs wait for. A job that waits for signals says so at the end of its record,
//   ,"waits":"NUMBER:EVENT NUMBER:EVENT"}
// NUMBER is a hash of the event, which a store may use to find all that wait for it. An event is written as in a URL.
// When a signal comes, its text follows,
//   ,"signal":{"id":...,"event":...,"data":...}}
// So a store need not decode the record to know what its job waits for, and whether it still does.

/** A signal: an event with its data, for all jobs that wait for it. */
export interface NewSignal {
  /** A second signal with the same id does nothing. */
  readonly id: string;
  readonly event: string;
  /** What the records of jobs get, as JSON. No other signal has the same. */
  readonly text: string;
  /** How long it is kept for the first job that will wait for it, if none does now; 0 for not at all. */
  readonly keepMs: number;
  /** How long a repetition is recognized. */
  readonly knownMs: number;
}

export interface SignalReply {
  /** How many jobs it has woken. */
  readonly woken: number;
  readonly isKept: boolean;
  /** Whether there was no room to keep it: then nothing was done. */
  readonly isRefused?: boolean;
}

export const MOST_EVENTS = 16;

export const MOST_KEPT_BYTES = 256 * 1024;

/** An event as stores write it. */
export function writtenEvent(event: string): string {
  return encodeURIComponent(event);
}

/** The number of an event: 50 bits of a hash. */
export function eventNumber(event: string): number {
  return fnv1a(event) * 2 ** 18 + (fnv1a(event, OTHER_BASIS) >>> 14);
}

/** What a record says of the events that its job waits for. */
export function waitsOf(events: readonly string[]): string {
  return events.map((event) => `${eventNumber(event)}:${writtenEvent(event)}`).join(" ");
}

export function eventsIn(waits: string): readonly string[] {
  return waits.split(" ").map((each) => each.slice(each.indexOf(":") + 1));
}

/** What a job waits for, by its record; undefined if it waits for no signal, or one has come. */
export function openWaits(record: string): string | undefined {
  return /,"waits":"([^"]*)"\}$/.exec(record.slice(record.lastIndexOf(',"waits":"')))?.[1];
}

/** The record of a job that waits, with the signal that has come. */
export function withSignal(record: string, text: string): string {
  return `${record.slice(0, -1)},"signal":${text}}`;
}
